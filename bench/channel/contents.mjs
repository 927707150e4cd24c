// What is sent. Each message carries its number, so that the receiver can tell a lost, doubled or
// overtaken one.
const kText = 'x'.repeat(1024);

export const contents = {
  small: {
    make: (number) => ({ number, type: 'task:progress', share: 0.5 }),
    numberOf: (message) => message.number,
  },
  text: {
    make: (number) => `${number} ${kText}`.slice(0, 1024),
    numberOf: (message) => Number.parseInt(message, 10),
  },
};
