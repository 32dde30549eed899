// app.mjs: the calls, their checks and their answers (HTTP).
import { readFileSync } from 'node:fs';
import Fastify, { LogController } from 'fastify';
import { config } from './config.mjs';
import * as guards from './guards.mjs';
import * as ledger from './ledger.mjs';
import { stateOf, timeText, SUCCEEDED, VOID } from './record.mjs';
import { withdraw } from './withdraw.mjs';

const problems = JSON.parse(readFileSync(config.problems, 'utf8'));
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL = '00000000-0000-0000-0000-000000000000';
const AMOUNT = '^(0|[1-9][0-9]{0,12})(\\.[0-9]{1,2})?$';
const USER = /^[1-9][0-9]{0,18}$/;
const USER_MAX = '9223372036854775807';

const text = { type: 'string' };
const tokenAnswer = {
	type: 'object',
	properties: { token: text, order_id: text, expires_in_ms: { type: 'integer' } },
};
const withdrawAnswer = {
	type: 'object',
	properties: {
		order_id: text, status: text, amount: text, currency: text,
		balance_after: text, created_at: text,
	},
};
const withdrawBody = {
	type: 'object',
	required: ['amount'],
	additionalProperties: false,
	properties: { token: text, amount: { type: 'string', pattern: AMOUNT } },
};
const noBody = { type: ['object', 'null'], additionalProperties: false };

function parseUuid(value) {
	const bare = value.length === 38 && value[0] === '"' && value[37] === '"'
		? value.slice(1, -1) : value;
	const lower = bare.toLowerCase();
	return UUID.test(bare) && lower !== NIL ? lower : null;
}

function twoDecimals(amount) {
	const [whole, cents = ''] = amount.split('.');
	return `${whole}.${cents.padEnd(2, '0')}`;
}

function problem(reply, code, { detail, state = 'unknown', safe = false, ...more } = {}) {
	const known = problems[code] ? code : 'declined'; // a newer ledger's reason
	const [status, title, standard, retry] = problems[known];
	if (retry)
		reply.header('Retry-After', retry);
	return reply.code(status)
		.serializer(JSON.stringify)
		.type('application/problem+json')
		.send({
			type: `/problems/${known}`, title, status,
			detail: detail ?? standard, order_state: state,
			safe_new_order: safe, ...more,
		});
}

function onError(e, request, reply) {
	if (e.validation || e instanceof SyntaxError || e.code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH')
		return problem(reply, 'malformed', { detail: e.message });
	if (e.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
		return problem(reply, 'unsupported-media-type');
	if (e.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
		return problem(reply, 'too-large');
	request.log.error(e);
	return problem(reply, 'outcome-unknown');
}

function checkUser(request, reply, done) {
	const user = request.headers['x-withdraw-user'] ?? '';
	if (!USER.test(user) || (user.length === 19 && user > USER_MAX)) {
		problem(reply, 'unauthenticated');
		return;
	}
	request.user = user;
	done();
}

function checkKey(request, reply, done) {
	request.order = parseUuid(request.headers['idempotency-key'] ?? '');
	if (request.order === null) {
		problem(reply, 'malformed', {
			detail: 'The Idempotency-Key header names the order: one UUID.',
		});
		return;
	}
	done();
}

async function postToken(request, reply) {
	const token = await guards.mint(request.user, request.order);
	reply.code(201);
	return { token, order_id: request.order, expires_in_ms: config.tokenTtl };
}

async function postWithdraw(request, reply) {
	const amount = twoDecimals(request.body.amount);
	if (amount === '0.00')
		return problem(reply, 'malformed', { detail: '"amount" must be above zero.' });
	const { outcome, state, record: r, replayed } = await withdraw({
		user: request.user,
		order: request.order,
		amount,
		token: parseUuid(request.body.token ?? '') ?? '',
	});
	if (replayed && outcome !== 'order-mismatch')
		reply.header('Idempotent-Replayed', 'true');
	if (outcome === 'succeeded') {
		reply.code(201);
		return {
			order_id: r.order, status: 'succeeded', amount: r.amount,
			currency: r.currency, balance_after: r.balance,
			created_at: timeText(r.created),
		};
	}
	return problem(reply, outcome, {
		state,
		safe: r !== null && r.status !== SUCCEEDED,
		order_id: request.order,
		...about(outcome, r),
	});
}

// What a problem says of the record that stands, if there is one.
function about(outcome, r) {
	if (r === null)
		return {};
	if (outcome === 'order-mismatch')
		return {
			original: `/api/withdrawals/${r.order}`,
			original_amount: r.amount,
		};
	if (r.status === VOID)
		return { created_at: timeText(r.created) };
	return {
		amount: r.amount, currency: r.currency,
		created_at: timeText(r.created),
		...(r.resets && { resets_at: timeText(r.resets) }),
	};
}

async function getWithdrawal(request, reply) {
	const order = parseUuid(request.params.order);
	if (order === null)
		return problem(reply, 'malformed', {
			detail: 'The order in the path must be a UUID.',
		});
	const { verdict, record: r } = await ledger.find(request.user, order);
	if (verdict !== 'rows')
		return problem(reply, 'unavailable');
	if (r === null)
		return problem(reply, 'order-unknown', { state: 'none' });
	return {
		order_id: r.order, status: stateOf(r), reason: r.reason,
		amount: r.amount, currency: r.currency, balance_after: r.balance,
		created_at: timeText(r.created),
		...(r.resets && { resets_at: timeText(r.resets) }),
	};
}

export function build() {
	const app = Fastify({
		logger: true,
		// one line a request, below, not two
		logController: new LogController({ disableRequestLogging: true }),
		bodyLimit: 4096,
		keepAliveTimeout: 75_000, // nginx closes first, after 60
		ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
	});

	app.removeAllContentTypeParsers();
	app.addContentTypeParser('application/json', { parseAs: 'string' },
		(request, body, done) => {
			try {
				done(null, body === '' ? null : JSON.parse(body));
			} catch (e) {
				done(e);
			}
		});
	app.decorateRequest('user', null);
	app.decorateRequest('order', null);
	app.addHook('onRequest', (request, reply, done) => {
		reply.header('Cache-Control', 'no-store');
		done();
	});
	app.addHook('onRequest', checkUser);
	app.addHook('onResponse', (request, reply, done) => {
		request.log.info({
			method: request.method, path: request.url, user: request.user,
			order: request.order, status: reply.statusCode,
			total_us: Math.round(reply.elapsedTime * 1000),
		});
		done();
	});
	app.setErrorHandler(onError);
	app.setNotFoundHandler((request, reply) => problem(reply, 'not-found'));

	app.post('/api/token', {
		onRequest: checkKey,
		schema: { body: noBody, response: { 201: tokenAnswer } },
	}, postToken);
	app.post('/api/withdraw', {
		onRequest: checkKey,
		schema: { body: withdrawBody, response: { 201: withdrawAnswer } },
	}, postWithdraw);
	app.get('/api/withdrawals/:order', getWithdrawal);
	return app;
}
