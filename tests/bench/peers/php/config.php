<?php
declare(strict_types=1);
// config.php: settings, from the environment. Names and defaults are
// withdrawd's; libpq reads PG* itself.

function setting(string $name, string $standard): string
{
	$value = getenv($name);
	return $value === false ? $standard : $value;
}

const SETTLE_WAIT_S = 0.05;
const TWIN_POLL_FIRST_US = 5000; // doubled up to
const TWIN_POLL_LAST_US = 100000;
