/* The parts of the suite "attack", a file each: every one adds its cases. */
#ifndef ATTACK_H
#define ATTACK_H

#include <check.h>

void attack_cross(Suite *suite);
void attack_guess(Suite *suite);
void attack_wire(Suite *suite);
void attack_secrets(Suite *suite);
void attack_rights(Suite *suite);
void attack_shortage(Suite *suite);
void attack_crowd(Suite *suite);

#endif
