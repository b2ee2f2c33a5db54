Clear text is agreed with a domain that promises DANE.

The packets of strip-dane-clear-ipv6, read by a site that believes to have agreed to clear text with alpha.net. A program on the path lies (strip).
The site's word lowers no promise of the domain itself.
