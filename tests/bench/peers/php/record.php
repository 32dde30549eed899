<?php
declare(strict_types=1);
// record.php: the record of an order as the ledger has it, which every final
// answer is made of. All values are texts: money is never a number here.

final class Record
{
	public const SUCCEEDED = '1';
	public const DECLINED = '2';
	public const VOID = '3';
	private const STATES = ['1' => 'succeeded', '2' => 'declined', '3' => 'void'];

	public function __construct(
		public readonly string $order,
		public readonly string $status,
		public readonly ?string $amount,
		public readonly string $currency,
		public readonly ?string $reason,
		public readonly ?string $balance,
		public readonly ?string $version,
		public readonly string $created,
		public readonly ?string $resets,
	) {
	}

	public function state(): string
	{
		return self::STATES[$this->status];
	}

	/** The form in which answers are recorded in Redis: withdrawd's. */
	public function encode(string $user): string
	{
		$text = "1|$user|$this->order|$this->status|$this->amount|" .
			"$this->currency|$this->reason|$this->balance|" .
			($this->version ?? '0') . "|$this->created";
		return $this->resets === null ? $text : "$text|$this->resets";
	}

	/** Null: it is not the recorded answer of (user, order). */
	public static function decode(string $text, string $user, string $order): ?self
	{
		$f = explode('|', $text);
		$n = count($f);
		if ($n < 10 || $n > 11 || $f[0] !== '1' || $f[1] !== $user ||
		    $f[2] !== $order || !isset(self::STATES[$f[3]])) {
			return null;
		}
		$null = static fn (string $v): ?string => $v === '' ? null : $v;
		return new self($f[2], $f[3], $null($f[4]), $f[5], $null($f[6]),
			$null($f[7]), $f[8], $f[9], $f[10] ?? null);
	}

	/** "2026-01-02T03:04:05.678901Z" of microseconds since 1970. */
	public static function time(string $us): string
	{
		return gmdate('Y-m-d\TH:i:s', intdiv((int)$us, 1000000)) .
			sprintf('.%06dZ', (int)$us % 1000000);
	}
}
