#include "attack.h"
void
attack_crowd(Suite *suite)
{
	(void)suite;
}
