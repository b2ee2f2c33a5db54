A peer that must have DANE has none.

The packets of cert-valid, read by a site that requires DANE of charlie.net, which proves that it has no TLSA records. Nobody lies.
TLS was used, and nothing authenticated the server but the web's authorities.
