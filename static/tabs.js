// The other tabs and windows of this browser that show the same user's page.
// What one of them says is only a hint to look again: each asks the service
// by itself, and none depends on another that may be closed or asleep.
//
//   claimed   an order was made: { order }
//   closing   an order is to be closed: { id }
//   settled   an order has its final answer: { id }

export class Tabs {
  #channel = null;

  constructor(userId, listen) {
    try {
      this.#channel = new BroadcastChannel(`withdraw.${userId}`);
      this.#channel.onmessage = ({ data }) => listen(data);
    } catch {
      // the browser keeps tabs apart: each looks again when it is shown
    }
  }

  tell(kind, more) {
    this.#channel?.postMessage({ kind, ...more });
  }
}
