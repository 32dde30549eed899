#include "attack.h"
void
attack_secrets(Suite *suite)
{
	(void)suite;
}
