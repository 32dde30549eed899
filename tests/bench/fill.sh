# fill.sh: makes a ledger of ACCOUNTS accounts with "length" entries each, for
# the sections of tests/bench.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # from bench.sh

chunk=200000	# entries that are made in one statement

# Nothing of this has to survive: durable again, and with its indexes, it is
# what is measured.
fill_ledger() {
	local k chunks=$(((ACCOUNTS * length + chunk - 1) / chunk)) workers=0
	sql -c "ALTER SYSTEM SET fsync = off" \
		-c "ALTER SYSTEM SET max_wal_size = '4GB'" \
		-c "SELECT pg_reload_conf()" >/dev/null || exit 2
	drop_indexes
	for ((k = 1; k <= chunks; k++)); do
		tell "making the ledger: part $k of $chunks"
		sql -v first="$k" -v step="$chunks" -v accounts="$ACCOUNTS" \
			-v length="$length" -f tests/bench/ledger.sql &
		if [ $((++workers)) -ge "$(nproc)" ]; then
			wait -n || die "could not make the ledger"
			workers=$((workers - 1))
		fi
	done
	while [ $((workers--)) -gt 0 ]; do
		wait -n || die "could not make the ledger"
	done
	tell "making the indexes"
	make_indexes
	tell "vacuum, analyze, checkpoint"
	sql -c "VACUUM ANALYZE" -c "ALTER SYSTEM RESET fsync" \
		-c "SELECT pg_reload_conf()" -c CHECKPOINT >/dev/null || exit 2
}

# They are made after the rows, as sql/ has defined them.
drop_indexes() {
	sql >/dev/null <<-'SQL' || die "could not drop the indexes"
		CREATE TABLE bench_index AS
		SELECT coalesce('ALTER TABLE ' || t.name || ' DROP CONSTRAINT '
				|| c.conname, 'DROP INDEX ' || t.index) AS off,
			coalesce('ALTER TABLE ' || t.name || ' ADD CONSTRAINT '
				|| c.conname || ' ' || pg_get_constraintdef(c.oid),
				pg_get_indexdef(i.indexrelid)) AS on
		FROM pg_index i
		LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid,
			LATERAL (SELECT i.indrelid::regclass::text AS name,
				i.indexrelid::regclass::text AS index) t
		WHERE i.indrelid IN ('account'::regclass,
			'ledger_entry'::regclass, 'withdraw_record'::regclass);
		SELECT b.off FROM bench_index b
		\gexec
	SQL
}

make_indexes() {
	sql >/dev/null <<-'SQL' || die "could not make the indexes"
		SET maintenance_work_mem = '512MB';
		SELECT b.on FROM bench_index b
		\gexec
		DROP TABLE bench_index;
	SQL
}
