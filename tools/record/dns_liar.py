#!/usr/bin/env python3
"""dns_liar: stands at a name server's address, hands every question on to the true one, and lies about TLSA alone.

usage: dns_liar.py ADDRESS BEHIND alter [TIMES] | race | nxdomain | nodata | servfail | silent | refused
  alter     the last octet of the TLSA data is another, the first TIMES times (default: always)
  race      the altered answer, and 30 ms later the true one
  nxdomain  there is no such name, says a reply without any proof; nodata, servfail, refused alike
  silent    no reply
TCP is handed on, with the same lies."""
import socket
import struct
import sys
import threading
import time

TLSA = 52


def question(message):
    """(end, type) of the question."""
    at = 12
    while message[at]:
        at += 1 + message[at]
    return at + 5, struct.unpack_from("!H", message, at + 1)[0]


def bare(query, rcode):
    """A reply to query without anything in it, EDNS left out."""
    end = question(query)[0]
    return query[:2] + bytes([0x84 | query[2] & 1, query[3] & 0x10 | rcode]) + b"\0\1\0\0\0\0\0\0" + query[12:end]


def altered(query, reply):
    """The first answer record's data with another last octet, if there is one."""
    at = question(reply)[0]
    if struct.unpack_from("!H", reply, 6)[0] == 0:
        return bare(query, 3)
    while reply[at] and reply[at] < 192:
        at += 1 + reply[at]
    at += 2 if reply[at] >= 192 else 1
    end = at + 10 + struct.unpack_from("!H", reply, at + 8)[0]
    return reply[:end - 1] + bytes([reply[end - 1] ^ 1]) + reply[end:]


class Liar:
    def __init__(self, address, behind, mode, times):
        self.address, self.behind, self.mode, self.left = address, behind, mode, times

    def replies(self, query, reply):
        """What is sent in place of reply: [(delay in seconds, message)]."""
        if question(query)[1] != TLSA or self.left == 0:
            return [(0, reply)]
        self.left -= 1
        rcodes = {"nxdomain": 3, "nodata": 0, "servfail": 2, "refused": 5}
        if self.mode == "silent":
            return []
        if self.mode in rcodes:
            return [(0, bare(query, rcodes[self.mode]))]
        lie = altered(query, reply)
        return [(0, lie), (0.03, reply)] if self.mode == "race" else [(0, lie)]

    def udp(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((self.address, 53))
        while True:
            query, peer = s.recvfrom(4096)
            threading.Thread(target=self.udp_one, args=(s, query, peer), daemon=True).start()

    def udp_one(self, s, query, peer):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:
            up.settimeout(5)
            up.sendto(query, (self.behind, 53))
            try:
                reply = up.recv(65535)
            except OSError:
                return
        for delay, message in self.replies(query, reply):
            time.sleep(delay)
            s.sendto(message, peer)

    def tcp(self):
        server = socket.create_server((self.address, 53))
        while True:
            s, _ = server.accept()
            threading.Thread(target=self.tcp_one, args=(s,), daemon=True).start()

    def tcp_one(self, s):
        with s, socket.create_connection((self.behind, 53), 5) as up:
            near, far = s.makefile("rb"), up.makefile("rb")
            while True:
                head = near.read(2)
                if len(head) < 2:
                    return
                query = near.read(struct.unpack("!H", head)[0])
                up.sendall(head + query)
                reply = far.read(struct.unpack("!H", far.read(2))[0])
                for _, message in self.replies(query, reply)[:1]:
                    s.sendall(struct.pack("!H", len(message)) + message)


def main():
    address, behind, mode = sys.argv[1:4]
    liar = Liar(address, behind, mode, int(sys.argv[4]) if len(sys.argv) > 4 else -1)
    threading.Thread(target=liar.tcp, daemon=True).start()
    liar.udp()


if __name__ == "__main__":
    main()
