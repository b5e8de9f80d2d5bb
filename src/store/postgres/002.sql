-- Who wrote an event as the database knows it: `actor` is what the program says. Null: it was written before.
ALTER TABLE work.events ADD COLUMN role text;
ALTER TABLE work.events ALTER COLUMN role SET DEFAULT session_user;
