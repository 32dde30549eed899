// config.mjs: settings, from the environment. Names and defaults are
// withdrawd's where it has the same; libpq's PG* are read by pg itself.

const number = (name, standard) => Number(process.env[name] ?? standard);

export const config = {
	processes: number('WEB_CONCURRENCY', 1),
	pool: number('PG_POOL', 8), // connections of one process
	autoPipelining: process.env.REDIS_AUTO_PIPELINING !== '0',
	listen: process.env.PEER_SOCKET,
	redis: process.env.REDIS_URL,
	scripts: process.env.PEER_SCRIPTS, // folder of admit.lua, settle.lua
	problems: process.env.PEER_PROBLEMS, // problems.json
	currency: process.env.WITHDRAW_CURRENCY ?? 'CNY',
	tokenTtl: number('WITHDRAW_TOKEN_TTL_MS', 5000),
	lockTtl: number('WITHDRAW_LOCK_TTL_MS', 10000),
	ledgerTimeout: number('WITHDRAW_LEDGER_TIMEOUT_MS', 5000),
	resultTtl: number('WITHDRAW_RESULT_TTL_S', 3600),
	twinWait: number('WITHDRAW_TWIN_WAIT_MS', 1000),
	redisTimeout: number('WITHDRAW_REDIS_TIMEOUT_MS', 500),
	settleWait: 50,
};
