Mail on port 2526, which nobody has named as a mail port, and two connections on port 25 that are not mail.

swaks 20201014.0 (192.0.2.10) sends through Python 3.11's smtpd (198.51.100.27, port 2526); nobody lies, nobody offers TLS.
curl 7.88.1 reads a page from Python's http.server on 198.51.100.25 port 25, and OpenSSH 9.2 tries to log in to sshd on
198.51.100.26 port 25. These two are counted, by name where nDPI knows it, and are no sessions.
Recorded on the loopback device of a network namespace, TCP checksums filled in. There is no DNS in it.
