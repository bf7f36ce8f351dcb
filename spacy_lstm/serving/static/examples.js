// Texts to click.

export const EXAMPLES = [
  { lang: "en", label: "Alice smiles", text: "Alice is happy. She smiles." },
  {
    lang: "en",
    label: "Across a clause",
    text: "Alice, who had arrived yesterday with her two brothers, was tired, but she smiled.",
  },
  {
    lang: "en",
    label: "Three people",
    text: "Tom met his sister at the station. She had brought their dog, and it was so excited that it pulled her over. He laughed until she laughed, too.",
  },
  {
    lang: "en",
    label: "Before the name",
    text: "Although he was late, Peter took the time to thank his teacher, who had helped him.",
  },
  { lang: "en", label: "A turn", text: "The film was dull at first, but the ending is wonderful." },
  {
    lang: "en",
    label: "About whom",
    text: "Maria hated the hotel, but the food was great and the staff helped her.",
  },
  { lang: "zh", label: "他是谁", text: "小明很高兴，因为他考了第一名。" },
  { lang: "zh", label: "转折", text: "虽然开头无聊，但结局很棒。" },
  { lang: "zh", label: "两个人", text: "李娜给她的哥哥打了电话，因为他的钥匙丢了。" },
];

export const LANGUAGES = { en: "English", zh: "中文" };
