#include "attack.h"
void
attack_wire(Suite *suite)
{
	(void)suite;
}
