The sender's control holds twice, and a third time within the hour.

refused-454-dane at 0, 15 and 30 minutes: medium, medium, high. Vector 17.
Made by tests/joined.py of one recording.
