// 页面的全部文字，简体中文。每个结果都说明钱的去向。金额与时间已按读者的习惯写好再传入；
// 文字只作为文本放进页面，从不作为 HTML。

export default {
  code: 'zh',
  locale: 'zh-CN',

  ui: {
    brand: '提现',
    signOut: '退出登录',
    balanceTitle: '可提现余额',
    amountTitle: '新的提现',
    amountLabel: '您要提现多少？',
    all: '全部',
    continue: '下一步',
    nothingYet: '现在还不会发送任何内容，您可以先核对。',
    checkTitle: '请核对后再提现',
    checkText: '这笔钱会立即从余额中扣除，然后付给您。如果超出您账户的限额，则不会扣款，'
      + '并会告诉您是哪一项限额。无论发送多少次，都只会提现一次。',
    change: '修改金额',
    repeatLink: '查看那一笔提现',
    stop: '停止',
    stopHint: '停止会要求一个最终结果：订单会被关闭而不扣款，除非钱已经扣除。'
      + '无论哪种情况都会告诉您。',
    signIn: '登录',
    again: '重试',
    new: '新的提现',
    print: '打印',
    receiptHint: '这张回执的网址不会改变，可以收藏。',
    historyTitle: '提现记录',
    more: '显示更早的记录',
    footer: '无论发送多少次，每笔订单最多只提现一次。',
    problems: '本服务各种回答的含义（英文）',
    underWay: '您有一笔提现还没有最终结果。',
    underWayLink: '查看进展',
  },

  switchTo: '中文',
  title: { home: '提现', receipt: '您的提现' },
  account: (id) => `账户 ${id}`,
  range: ({ least, most }) => `最少 ${least}，最多 ${most}。`,
  day: ({ count, left, resets }) => {
    const parts = [...(count === null ? [] : [`${count} 笔`]),
      ...(left ? [left] : [])];
    return parts.length === 0 ? '最多两位小数。'
      : `${resets} 之前还可提现：${parts.join('，')}。`;
  },
  act: (money) => `提现 ${money}`,
  actAnother: (money) => `再提现 ${money}`,

  faults: {
    missing: () => '请输入要提现的金额。',
    shape: () => '请用数字输入金额，例如 100 或 99.50。',
    decimals: () => '金额最多两位小数，例如 99.50。',
    zero: () => '金额必须大于零。',
    large: () => '这个金额超过了任何一笔提现的上限。',
    balance: ({ balance }) => `超过了您的余额 ${balance}。`,
    least: ({ least }) => `每笔最少提现 ${least}。`,
    most: ({ max }) => `每笔最多提现 ${max}。`,
    day: ({ left, resets }) => `今天还可提现 ${left}，${resets} 起恢复全部额度。`,
    count: ({ resets }) => `今天的提现次数已用完，${resets} 起可以再次提现。`,
    frozen: () => '您的账户正在审核中，暂时无法提现。您的钱不会变动，请联系本网站的运营方。',
    empty: () => '目前没有可以提现的余额。',
    little: ({ least }) => `您的余额低于每笔最少提现金额 ${least}。`,
  },

  check: {
    amount: '提现金额',
    before: '当前余额',
    after: '提现后余额',
  },

  repeat: {
    title: (money) => `是再提现 ${money}，还是同一笔？`,
    text: (money, time) => `您在 ${time} 已经提现 ${money}。如果您只是不确定那一次是否成功，`
      + '那就是这一笔，不需要再提现。',
  },

  offline: {
    idle: '您已离线，现在无法发送任何内容。',
    busy: '您已离线。不会丢失任何内容：恢复连接后，同一笔订单会自动继续。',
  },
  storage: '此浏览器不为本网站保存数据。您仍可提现，但正在处理的订单只有这个标签页知道：'
    + '在看到最终结果之前请不要关闭它。如果它提前关闭了，请先查看下面的提现记录，再决定是否重新提现。',

  accountNote: {
    waiting: '暂时无法连接服务，页面会继续尝试；正在处理的提现已被记录，之后会继续。',
    stale: '显示的余额可能不是最新的。',
    signOut: '没有收到回答，您仍处于登录状态，请重试。',
  },

  history: {
    empty: '还没有记录。',
    waiting: '暂时无法载入记录，页面会继续尝试。',
  },

  states: {
    'due': '已提现，正在付款',
    'paid': '已付款',
    'returned': '已退回余额',
    'declined': '未提现',
    'review': '未提现，账户审核中',
    'void': '未提现，订单已关闭',
    'pending': '还没有最终结果',
  },

  reasons: {
    'insufficient-funds': '余额不足',
    'below-minimum': '金额太小',
    'above-maximum': '金额太大',
    'daily-count-limit': '当日限额',
    'daily-sum-limit': '当日限额',
  },

  facts: {
    amount: '金额',
    balance: '提现后的余额',
    time: '时间',
    order: '订单号',
    payout: '付款',
    reference: '付款流水号',
  },

  payout: {
    due: '正在付给您',
    paid: (time) => `已于 ${time} 付款`,
    returned: (time) => `已于 ${time} 退回`,
  },

  track: {
    withdrawn: '已从余额中扣除',
    due: '正在付给您',
    later: '完成付款',
    paid: '完成付款',
    returned: '已退回：钱已回到您的余额',
    done: '已完成',
    now: '进行中',
    next: '之后',
  },

  progress: {
    sending: (money) => ({
      title: '正在发送',
      text: `正在提现 ${money}。无论发送多少次，都只会提现一次。`,
    }),
    checking: (money) => ({
      title: '正在确认',
      text: `我们还不知道 ${money} 是否已从您的余额中扣除。不会丢失任何内容：`
        + '页面会继续询问同一笔订单，直到得到最终结果，而且只会提现一次。'
        + '您甚至可以关闭此页面，稍后再回来。',
    }),
    stopping: (money) => ({
      title: '正在停止',
      text: `正在要求最终结果：要么订单被关闭而不扣款，要么 ${money} 已经扣除。`,
    }),
  },

  why: {
    'resumed': '这笔订单是之前开始的。',
    'elsewhere': '这笔订单是在另一个标签页或窗口中开始的。',
    'offline': '没有网络连接。',
    'no-answer': '没有收到回答。',
    'outcome-unknown': '服务还不能确定结果。',
    'unavailable': '服务暂时无法处理。',
    'in-progress': '订单正在处理中。',
    'busy': '您的另一笔提现正在处理，这一笔在等待。',
    'rate-limited': '请求过于频繁，稍后会继续。',
    'token-invalid': '这笔订单的票据已过期，正在获取新的。',
  },

  attempt: (n) => `第 ${n} 次尝试。`,
  wait: (n, seconds) => `第 ${n} 次尝试。${seconds} 秒后再次询问。`,

  joined: {
    same: (money) => `在另一个标签页或窗口中已有一笔 ${money} 的提现正在进行。`
      + '这就是它的结果，没有产生第二笔订单。',
    other: (money, asked) => `在另一个标签页或窗口中已有一笔 ${money} 的提现正在进行，`
      + `会先完成它；${asked} 没有发送。`,
    elsewhere: '这笔订单是在另一个标签页或窗口中提交的。',
  },

  outcome: {
    succeeded: (money, { stopped }) => ({
      title: '已提现',
      text: `${money} 已从您的余额中扣除${stopped ? '，来不及停止。' : '。'}`,
    }),
    paid: (money) => ({
      title: '已付款',
      text: `${money} 已从您的余额中扣除，并已付给您。`,
    }),
    returned: (money) => ({
      title: '已退回余额',
      text: `${money} 已提现，但未能付给您。这笔钱已回到您的余额。`,
    }),
    declined: (money, { why }) => ({
      title: '未提现',
      text: `${why}您的余额没有变动。这是最终结果：这笔订单以后也不会扣款。`,
    }),
    review: (money) => ({
      title: '未提现：您的账户正在审核',
      text: `您的账户在审核期间被冻结。${money} 没有扣除，这笔订单以后也不会扣款。`
        + '请联系本网站的运营方，并提供订单号。',
    }),
    void: (money, { said }) => ({
      title: '未提现',
      text: `${said}订单已关闭。您的余额没有变动，这笔订单以后也不会扣款。`,
    }),
    signIn: (money) => ({
      title: '请重新登录',
      text: `我们还不知道 ${money} 是否已从您的余额中扣除，因为您的登录已结束，`
        + '或者有其他人在此浏览器上登录。订单已被记录；您登录后会继续询问同一笔订单，'
        + '而且只会提现一次。',
    }),
    stuck: (money, { said }) => ({
      title: '服务拒绝回答',
      text: `${said}我们还不知道 ${money} 是否已从您的余额中扣除。订单已被记录，`
        + '在得到结果之前不能提交其他订单。如果一直如此，请把订单号告诉本网站的运营方。',
    }),
  },

  declined: {
    'insufficient-funds': ({ balance, money }) =>
      `您的余额 ${balance} 少于这笔订单的 ${money}。`,
    'below-minimum': ({ money }) => `${money} 低于最低提现金额。`,
    'above-maximum': ({ money }) => `${money} 超过单笔最高提现金额。`,
    'daily-count-limit': ({ resets }) =>
      `当日的提现次数已用完，${resets} 起可以再次提现。`,
    'daily-sum-limit': ({ money, resets }) =>
      `${money} 超过当日剩余额度，${resets} 起额度恢复。`,
    'other': ({ reason }) => `服务拒绝了这笔订单（${reason}）。`,
  },

  said: (title, detail) => `服务的说明：${title}。${detail} `,

  message: {
    signIn: {
      title: '尚未登录',
      text: '请登录以查看余额并提现。正在处理的订单已保存，登录后会继续。',
    },
    refused: (title, detail) => ({
      title: title || '无法显示账户',
      text: detail || '服务没有说明原因。正在处理的订单已保存。',
    }),
    looking: {
      title: '正在查询订单',
      text: '页面正在查询这笔订单。',
    },
    unknownOrder: {
      title: '没有这笔提现',
      text: '您的账户中没有这个订单号。',
    },
    broken: {
      title: '页面出错了',
      text: '正在处理的订单已被记录，之后会继续询问。请重新载入页面。',
    },
  },
};
