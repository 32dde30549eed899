<?php
declare(strict_types=1);
// withdraw.php: the pipeline, token -> lock -> ledger -> cache.

final class Withdrawal
{
	public string $outcome;
	public string $state;
	public ?Record $record = null;
	public bool $replayed = false;

	/** All checked; the amount has two decimals. */
	public function __construct(
		public readonly string $user,
		public readonly string $order,
		public readonly string $amount,
		public readonly string $token,
	) {
	}

	public function said(string $outcome, string $state): void
	{
		$this->outcome = $outcome;
		$this->state = $state;
	}

	/** The answer to this request, from the record that stands. */
	public function judge(Record $record, bool $replayed): void
	{
		$this->record = $record;
		$this->replayed = $replayed;
		$this->state = $record->state();
		$this->outcome = match (true) {
			$record->status === Record::VOID => 'order-void',
			$record->amount !== $this->amount => 'order-mismatch',
			$record->status === Record::DECLINED => (string)$record->reason,
			default => 'succeeded',
		};
	}
}

function withdraw(Withdrawal $w): void
{
	$until = microtime(true) + (int)setting('WITHDRAW_TWIN_WAIT_MS', '1000') / 1000;
	$delay = TWIN_POLL_FIRST_US;
	$trust_cache = true;
	$owner = uuid();
	for (;;) {
		[$word, $record] = guard_admit($w, $owner, ledger_epoch(), $trust_cache);
		switch ($word) {
		case 'recorded':
			$w->judge($record, true);
			return;
		case 'garbled':
			$trust_cache = false; // settling mends it
			break;
		case 'busy':
			$w->said('busy', 'unknown');
			return;
		case 'no-token':
			lookup($w, 'token-invalid', 'none');
			return;
		case 'twin':
			if (microtime(true) >= $until) {
				lookup($w, 'in-progress', 'running');
				return;
			}
			usleep($delay);
			$delay = min($delay * 2, TWIN_POLL_LAST_US);
			break;
		default: // go; or no-redis, and the lock may be ours all the same
			decide($w, $owner);
			return;
		}
	}
}

/** The ledger may know the order; if not, that is the outcome. */
function lookup(Withdrawal $w, string $outcome, string $state): void
{
	$found = ledger_find($w->user, $w->order);
	if ($found->verdict !== Verdict::Rows) {
		$w->said($outcome === 'in-progress' ? $outcome : 'unavailable', 'unknown');
	} elseif ($found->record === null) {
		$w->said($outcome, $state);
	} else {
		$w->judge($found->record, true);
		guard_settle($w, '', $found->epoch, $found->record);
	}
}

function decide(Withdrawal $w, string $owner): void
{
	$done = ledger_withdraw($w->user, $w->order, $w->amount);
	switch ($done->verdict) {
	case Verdict::Rows:
		if ($done->record !== null) {
			$w->judge($done->record, $done->replayed);
		} else {
			$w->said('account-unknown', 'none');
		}
		guard_settle($w, $owner, $done->epoch, $done->record);
		break;
	case Verdict::Failed:
		$w->said('unavailable', 'unknown');
		guard_settle($w, $owner, '', null);
		break;
	case Verdict::Uncertain:
		// the commit may still be under way: the lock stays
		$w->said('outcome-unknown', 'unknown');
		break;
	}
}
