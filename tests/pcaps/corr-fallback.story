A handshake is reset, and within half a minute the client comes back and offers less.

The first session of client-postfix-reset, and fallback 23 seconds behind it (its clock set back): one client by address and EHLO name, one server. Postfix 3.7.11, and OpenSSL 3.0.22 (s_client).
What the second says of itself (TLS_FALLBACK_SCSV) is a finding of its own; what it was before shows in the two together. Twin: corr-fallback-later.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
