#!/usr/bin/env python3
"""A client that says exactly what it is told, where no MTA does so.

usage: talk.py HOST PORT LINE...

Reads the greeting, then for each LINE: sends it with CRLF and reads one whole reply. The line `tls` starts TLS, the line
`early` says STARTTLS and starts TLS without waiting for the reply; `@FILE` sends the file as message content, with the
final dot."""
import socket
import ssl
import sys


def reply(stream):
    while True:
        line = stream.readline()
        if line[3:4] != b"-":
            return


def early(sock, context):
    """STARTTLS and the ClientHello at once; the reply stands in front of the server's handshake. Then one word inside."""
    come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(come, go)
    reply_read, pending = False, b"STARTTLS\r\n"
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            if go.pending:
                sock.sendall(pending + go.read())
                pending = b""
        data = sock.recv(65536)
        if not data:
            return
        if not reply_read:
            data, reply_read = data[data.index(b"\n") + 1:], True
        come.write(data)
    tls.write(b"EHLO out.sender.net\r\nQUIT\r\n")
    sock.sendall(go.read())
    sock.recv(65536)


def main():
    sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=8)
    stream = sock.makefile("rb")
    reply(stream)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for line in sys.argv[3:]:
        if line == "early":
            early(sock, context)
            break
        if line == "tls":
            sock = context.wrap_socket(sock)
            stream = sock.makefile("rb")
            continue
        if line.startswith("@"):
            with open(line[1:], "rb") as f:
                sock.sendall(f.read().replace(b"\n", b"\r\n") + b".\r\n")
        else:
            sock.sendall(line.encode("ascii") + b"\r\n")
        reply(stream)
    sock.close()


if __name__ == "__main__":
    try:
        main()
    except OSError as problem:  # the other side ended it
        print(problem, file=sys.stderr)
