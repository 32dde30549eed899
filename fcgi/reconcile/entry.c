/* entry.c: see entry.h. */
#include "entry.h"

struct chain_entry
entry_of_row(const struct snapshot_row *row)
{
	return (struct chain_entry){
	    .prev_hash = row->field[E_PREV_HASH],
	    .user = row->field[E_USER],
	    .version = row->field[E_VERSION],
	    .at = row->field[E_AT],
	    .order = row->field[E_ORDER],
	    .delta = row->field[E_DELTA],
	    .balance_after = row->field[E_BALANCE],
	    .kind = row->field[E_KIND],
	    .note = row->field[E_NOTE],
	};
}
