The sender's control holds, and then that of another sender.

refused-454-dane, and 15 minutes later the same from another client network (203.0.113.0/24): medium, then high. Vector 17.
Made by tests/joined.py of two recordings.
