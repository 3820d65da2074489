-- How the due of a deadline that is not closed came about, in a form that `fristd verify` computes again: what the
-- rule said, what happened on the clock, the result; one item a line. Null once it is closed.
ALTER TABLE deadline ADD COLUMN computation text;
