#include "attack.h"
void
attack_shortage(Suite *suite)
{
	(void)suite;
}
