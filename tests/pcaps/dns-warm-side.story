The DNS that passed before dns-warm was recorded; no mail.
