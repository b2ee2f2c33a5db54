SMTP on port 8025 without a greeting of the client: our own look cannot tell it from FTP, nDPI can.

Python 3.11's smtplib (192.0.2.10) says NOOP, RSET and QUIT to smtpd (198.51.100.27, port 8025), and nothing else.
Recorded on the loopback device of a network namespace, TCP checksums filled in. There is no DNS in it.
