Mail for a DANE domain goes in clear to the smart host of the site.

The packets of redirected-clear, read by a site whose senders have mx.echo.org as their next hop for such mail. Nobody lies.
The next hop promises nothing, and what alpha.net promises is the smart host's to keep.
