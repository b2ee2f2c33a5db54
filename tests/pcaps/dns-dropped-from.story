TLSA is never answered, and another capture has the truth.

Swaks, which does not verify, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Somebody in front of the name server lies about TLSA (silent).
As dns-suppressed-from: asked again and again, in vain.
Recorded on the client's link.
Read with --dns-from dns-unbound-minimised.pcapng.
