// Holds what the page has loaded: the server's description, the model, the picture and the last answer.

export const session = {
  /** The server's description, as `/about` gives it. */
  server: undefined,
  /** The model's description, as `/about/{model}` gives it. */
  model: undefined,
  /** The picture: a blob, its name, and a number of its own. */
  picture: undefined,
  /** The answer to the last explanation. */
  answer: undefined,
};

/** What requests call the class of an index: the index, marked as such where it is the label of a class, too. */
export function nameOfClass(index) {
  return session.model.labels.includes(`${index}`) ? `#${index}` : `${index}`;
}
