The authority that the site has pinned for its peer.

The packets of cert-valid, read by a site that trusts no authority but, for this peer, the one in authority.crt. Nobody lies.
A pin is good enough for mail with REQUIRETLS.
