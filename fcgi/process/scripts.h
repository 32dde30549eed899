/* scripts.h: all Redis scripts, for redis_open(). */
#ifndef SCRIPTS_H
#define SCRIPTS_H

#include "pipeline/admit.h"
#include "pipeline/settle.h"
#include "pipeline/token.h"
#include "signin/attempt.h"
#include "signin/session.h"

static struct redis_script *const all_scripts[] = {&token_script, &admit_script,
    &settle_script, &attempt_script, &attempt_back_script,
    &session_begin_script, &session_check_script, &session_touch_script,
    &session_end_script};

#define all_nscripts (sizeof(all_scripts) / sizeof(all_scripts[0]))

#endif
