// Every text of the sign-in page, in Simplified Chinese.

export default {
  title: '登录',
  name: '用户名',
  password: '密码',
  act: '登录',
  out: '退出登录',
  everywhere: '在所有设备上退出',
  on: '继续',
  hint: '登录后可以查看余额并提现。正在处理的订单保存在本浏览器中，登录后会继续。',
  busy: '正在登录…',
  missing: '请输入用户名和密码。',
  wrong: '用户名与密码不匹配。',
  slow: (seconds) => `尝试次数过多，请在 ${seconds} 秒后重试。`,
  unavailable: '暂时无法登录。没有丢失任何内容，请稍后重试。',
  here: (name) => `您已登录为 ${name}。`,
  left: '您已退出登录。',
  stays: '没有收到答复，您仍处于登录状态，请重试。',
};
