// record.mjs: the record of an order as the ledger has it, which every final
// answer is made of. All values are texts: money is never a number here.

export const SUCCEEDED = '1';
export const DECLINED = '2';
export const VOID = '3';

const states = { [SUCCEEDED]: 'succeeded', [DECLINED]: 'declined', [VOID]: 'void' };

export const stateOf = (record) => states[record.status];

// The columns of withdraw_find(), as texts, null for SQL's NULL.
export function fromRow(row) {
	const [order, status, amount, currency, reason, balance, version,
		created, resets] = row;
	return { order, status, amount, currency, reason, balance, version,
		created, resets };
}

// The form in which answers are recorded in Redis: withdrawd's.
export function encode(user, r) {
	const text = `1|${user}|${r.order}|${r.status}|${r.amount ?? ''}|` +
		`${r.currency}|${r.reason ?? ''}|${r.balance ?? ''}|` +
		`${r.version ?? 0}|${r.created}`;
	return r.resets === null ? text : `${text}|${r.resets}`;
}

// null: it is not the recorded answer of (user, order).
export function decode(text, user, order) {
	const f = text.split('|');
	if (f.length < 10 || f.length > 11 || f[0] !== '1' || f[1] !== user ||
		f[2] !== order || states[f[3]] === undefined)
		return null;
	return fromRow([...f.slice(2, 10), f[10] ?? ''].map(
		(v) => (v === '' ? null : v)));
}

// "2026-01-02T03:04:05.678901Z" of microseconds since 1970.
export function timeText(us) {
	const n = Number(us);
	const seconds = new Date(Math.floor(n / 1000)).toISOString().slice(0, 19);
	return `${seconds}.${String(n % 1000000).padStart(6, '0')}Z`;
}
