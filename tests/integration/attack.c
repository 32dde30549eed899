/* What somebody tries who means harm: see attack.h for the parts. */
#include "attack.h"

#include "suites.h"

Suite *
attack_suite(void)
{
	Suite *suite = suite_create("attack");

	attack_cross(suite);
	attack_guess(suite);
	attack_wire(suite);
	attack_secrets(suite);
	attack_rights(suite);
	attack_shortage(suite);
	attack_crowd(suite);
	return suite;
}
