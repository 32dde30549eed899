#include "attack.h"
void
attack_rights(Suite *suite)
{
	(void)suite;
}
