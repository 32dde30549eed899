/* sql.h: pieces of SQL that the commands share. */
#ifndef CTL_SQL_H
#define CTL_SQL_H

/* "to_char(column" CTL_SQL_UTC: a timestamptz as the HTTP interface writes it,
 * whatever the session's time zone: 2026-01-02T03:04:05.678901Z. */
#define CTL_SQL_UTC " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

#endif
