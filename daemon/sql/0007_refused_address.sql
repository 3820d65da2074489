-- Addresses that the mail server refuses for good. A row goes when the address has changed or takes mail again.
CREATE TABLE refused_address (
    person_id        text PRIMARY KEY,
    address_key      text NOT NULL,        -- a hash: which address it was, not the address
    refusals         integer NOT NULL,     -- in a row
    first_refused_at timestamptz NOT NULL,
    last_refused_at  timestamptz NOT NULL,
    last_reply       text NOT NULL,        -- its codes: '550 5.1.1'
    reported_at      timestamptz           -- to the operators, after the third; null: not yet
);
