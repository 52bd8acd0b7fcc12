/** What one side of a call says; `{name}` stands for a variable of the person called. */
type Line = readonly [speaker: 'assistant' | 'user', text: string];

/** One kind of call that a voice agent makes, and the people whom it called. */
export interface Scenario {
  agent: string;
  /** The number that the agent calls from. */
  from: string;
  language: string;
  answered_by: 'human' | 'voicemail' | 'no-answer';
  ended_by: 'ASSISTANT' | 'USER';
  /** What the call was about, as the call's `disposition`. */
  disposition: string;
  summary: string;
  lines: readonly Line[];
  people: readonly Record<string, string>[];
}

/** 25 calls in nine scenarios. Every number is from a range that is reserved for fiction. */
export const SCENARIOS: readonly Scenario[] = [
  {
    agent: 'Riverside Dental: appointment reminder',
    from: '+12025550101',
    language: 'en',
    answered_by: 'human',
    ended_by: 'ASSISTANT',
    disposition: 'appointment_confirmed',
    summary: '{name} confirmed the {treatment} on {day} at {time} and will arrive ten minutes early.',
    lines: [
      ['assistant', 'Hello, this is Ava from Riverside Dental. Am I speaking with {name}?'],
      ['user', 'Yes, speaking.'],
      [
        'assistant',
        'I am calling about your {treatment} on {day} at {time} with Dr. Okafor. Does that still work for you?',
      ],
      ['user', '{day}, {time}... yes, that works. Do I need to bring anything?'],
      [
        'assistant',
        'Only your insurance card. If you can be here ten minutes early, we will have you in the chair on time.',
      ],
      ['user', 'Will do, thanks.'],
      ['assistant', 'Thank you, {name}. See you on {day}!'],
    ],
    people: [
      { name: 'Maren Holt', treatment: 'cleaning', day: 'Tuesday', time: '9:30 a.m.' },
      { name: 'Tobias Brandt', treatment: 'crown fitting', day: 'Wednesday', time: '2 p.m.' },
      { name: 'Siobhán Ní Bhriain', treatment: 'check-up', day: 'Friday', time: '11:15 a.m.' },
      { name: 'DeShawn Pruitt', treatment: 'root canal follow-up', day: 'Thursday', time: '4:45 p.m.' },
    ],
  },
  {
    agent: 'Riverside Dental: appointment reminder',
    from: '+12025550101',
    language: 'en',
    answered_by: 'human',
    ended_by: 'USER',
    disposition: 'appointment_moved',
    summary: '{name} cannot come on {day} and moved the {treatment} to {new_day} at {new_time}.',
    lines: [
      ['assistant', 'Hello, this is Ava from Riverside Dental. Am I speaking with {name}?'],
      ['user', 'Yes. Is this about {day}? I was about to call you, something came up at work.'],
      [
        'assistant',
        'No problem at all. The next openings for a {treatment} are {new_day} at {new_time}, or the Monday after at 8 a.m.',
      ],
      ['user', "{new_day} is fine. I'll write it down: {new_time}."],
      ['assistant', 'I have moved it. You will get a text message with the new time in a minute.'],
      ['user', 'Perfect, bye!'],
    ],
    people: [
      { name: 'Priya Raman', treatment: 'cleaning', day: 'Tuesday', new_day: 'next Thursday', new_time: '10 a.m.' },
      {
        name: 'Luc Benoît',
        treatment: 'night guard fitting',
        day: 'Friday',
        new_day: 'next Wednesday',
        new_time: '3:30 p.m.',
      },
    ],
  },
  {
    agent: 'Halden Parcel: delivery window',
    from: '+12025550118',
    language: 'en',
    answered_by: 'human',
    ended_by: 'ASSISTANT',
    disposition: 'delivery_confirmed',
    summary: 'Parcel {parcel} ({goods}) will be left {place} between {window}; {name} will not be at home.',
    lines: [
      [
        'assistant',
        'Hi {name}, this is Halden Parcel about parcel {parcel}, the {goods}. Our driver can be with you between {window} today.',
      ],
      ['user', "I won't be home. Can they leave it {place}?"],
      [
        'assistant',
        'Yes. I have noted: "Leave it {place}." Is there a dog or a gate code that the driver should know about?',
      ],
      ['user', '{access}'],
      ['assistant', 'Thank you, I have added that for the driver. You will get a photo when it has been left.'],
      ['user', 'Great, thanks a lot.'],
    ],
    people: [
      {
        name: 'Hannah',
        parcel: 'HP-40718',
        goods: 'standing desk',
        place: 'in the carport',
        window: '1 and 3 p.m.',
        access: 'No dog. The gate sticks, you have to lift it a little.',
      },
      {
        name: 'Mr. Quill',
        parcel: 'HP-40733',
        goods: '12" skillet',
        place: "with the neighbor in 4B, O'Malley",
        window: '10 a.m. and noon',
        access: 'Gate code is hash 4 7 1 1. And the dog is called "Tiny". He is not.',
      },
      {
        name: 'Zoë',
        parcel: 'HP-40790',
        goods: 'box of seedlings',
        place: 'behind the planter',
        window: '5 and 7 p.m.',
        access: 'Neither, but please keep it out of the sun 🌱',
      },
    ],
  },
  {
    agent: 'Halden Parcel: ventana de entrega',
    from: '+12025550118',
    language: 'es',
    answered_by: 'human',
    ended_by: 'ASSISTANT',
    disposition: 'delivery_moved',
    summary: '{name} pidió cambiar la entrega del paquete {parcel} al {day}; hay que llamar antes al timbre «{bell}».',
    lines: [
      ['assistant', '¡Buenos días! Le llamo de Halden Parcel. ¿Hablo con {name}?'],
      ['user', 'Sí, soy yo. ¿Es por el paquete?'],
      ['assistant', 'Exacto, el paquete {parcel}. ¿Estará usted en casa hoy entre las cuatro y las seis?'],
      ['user', 'Hoy no, lo siento. ¿Podría ser el {day} por la mañana?'],
      [
        'assistant',
        'Claro que sí. Queda apuntado para el {day}, entre las nueve y las once. ¿A qué timbre debe llamar el repartidor?',
      ],
      ['user', 'Al que pone «{bell}», es el segundo piso.'],
      ['assistant', 'Muchas gracias, {name}. ¡Que tenga un buen día!'],
    ],
    people: [
      { name: 'Íñigo Peña', parcel: 'HP-41002', day: 'miércoles', bell: 'Peña-Núñez' },
      { name: 'María José Ibáñez', parcel: 'HP-41019', day: 'sábado', bell: 'Ibáñez e Hijas' },
    ],
  },
  {
    agent: 'Northwind Energy: satisfaction survey',
    from: '+12025550124',
    language: 'en',
    answered_by: 'human',
    ended_by: 'ASSISTANT',
    disposition: 'survey_completed',
    summary:
      '{name} rates the installation {score} of 10. Reason: "{reason}" Would like to be called back: {callback}.',
    lines: [
      [
        'assistant',
        'Good afternoon, this is Northwind Energy. We installed a heat pump at your place last month; may I ask you two questions about it?',
      ],
      ['user', 'If it is quick.'],
      ['assistant', 'It is. From 0 to 10, how likely are you to recommend us to a friend?'],
      ['user', '{score}.'],
      ['assistant', 'Thank you. And what is the main reason for your {score}?'],
      ['user', '{reason}'],
      [
        'assistant',
        'I have written that down word for word. Would you like somebody from the team to call you back about it?',
      ],
      ['user', '{callback}'],
      ['assistant', 'Understood. Thank you for your time, {name}.'],
    ],
    people: [
      {
        name: 'Gus Lindqvist',
        score: '9',
        reason: 'They took their shoes off. Nobody ever takes their shoes off.',
        callback: 'No need.',
      },
      {
        name: 'Amara Nwosu',
        score: '4',
        reason: 'It hums at night, a low B flat. I am a cellist, I would know.',
        callback: 'Yes, please, before the weekend.',
      },
      {
        name: 'Ilse Vandenberghe',
        score: '7',
        reason: 'Good work, but the invoice said €1.180,50 and the quote said €1.080,50.',
        callback: 'Yes. And have the quote at hand.',
      },
      {
        name: 'Pat Delacroix',
        score: '10',
        reason: 'My gas bill is $0. Zero! I framed it.',
        callback: 'Only if you want to hear me brag.',
      },
    ],
  },
  {
    agent: 'Cobalt Credit Union: payment reminder',
    from: '+12025550137',
    language: 'en',
    answered_by: 'human',
    ended_by: 'USER',
    disposition: 'promise_to_pay',
    summary:
      '{name} was reminded of {amount}, due on {due}, and promised to pay by {promise}. Reason for the delay: {why}',
    lines: [
      [
        'assistant',
        'Hello, this is Cobalt Credit Union with a courtesy call on a recorded line. For your privacy, could you tell me the last four digits of your account?',
      ],
      ['user', '{digits}.'],
      [
        'assistant',
        'Thank you, {name}. A payment of {amount} was due on {due}, and we have not seen it yet. Has it been sent?',
      ],
      ['user', '{why} I can pay it by {promise}.'],
      [
        'assistant',
        'That is fine; I have noted {promise}, and there is no late fee until then. Would you like a payment link by text message?',
      ],
      ['user', 'Yes, send me the link. Thanks, bye.'],
    ],
    people: [
      {
        name: 'Curtis Abara',
        digits: '0 4 4 1',
        amount: '$212.40',
        due: 'March 1',
        promise: 'Friday',
        why: 'My card was replaced and I forgot to update it.',
      },
      {
        name: 'Noor Haddad',
        digits: '7 7 1 9',
        amount: '$88.00',
        due: 'February 27',
        promise: 'March 9',
        why: 'I am paid on the 8th, the due date is a week too early for me.',
      },
      {
        name: 'Wendell P. Sykes',
        digits: '3 0 0 2',
        amount: '$1,940.15',
        due: 'March 1',
        promise: 'tomorrow noon',
        why: 'The wire needed a second signature, and she is on a plane.',
      },
    ],
  },
  {
    agent: 'Larkspur Clinic: results callback',
    from: '+12025550142',
    language: 'en',
    answered_by: 'voicemail',
    ended_by: 'ASSISTANT',
    disposition: 'voicemail_left',
    summary:
      'Reached the voicemail of {name}; left a message to call back, without medical details. Reference {reference}.',
    lines: [
      ['user', "Hi, you've reached {name}. {greeting} Leave a message after the tone."],
      [
        'assistant',
        'Hello, this is Larkspur Clinic with a message for {name}. Please call us back at 202 555 0142 and mention reference {reference}. We are here until 6 p.m. Goodbye.',
      ],
    ],
    people: [
      { name: 'Odalys Figueroa', greeting: "I can't come to the phone right now.", reference: 'L-118' },
      { name: 'the Kowalczyk family', greeting: 'We are either outside or ignoring you 🙃', reference: 'L-121' },
      {
        name: 'Jun',
        greeting: '你好! If this is the 7 p.m. rehearsal group: yes, I have the keys.',
        reference: 'L-126',
      },
    ],
  },
  {
    agent: 'Tidewater Hotel: front desk',
    from: '+12025550156',
    language: 'ja',
    answered_by: 'human',
    ended_by: 'USER',
    disposition: 'booking_changed',
    summary: '{name}様、{date}のご予約を{nights}泊に変更。備考:「{note}」',
    lines: [
      ['assistant', 'お電話ありがとうございます。タイドウォーター・ホテルでございます。{name}様でいらっしゃいますか。'],
      ['user', 'はい、そうです。{date}の予約を{nights}泊に変更したいのですが。'],
      ['assistant', 'かしこまりました。{date}から{nights}泊で承りました。ほかにご要望はございますか。'],
      ['user', '{note}'],
      ['assistant', '承知いたしました。確認のメールをお送りいたします。'],
      ['user', 'ありがとうございます。失礼します。'],
    ],
    people: [
      { name: '佐藤', date: '3月14日', nights: '2', note: '窓側の静かな部屋をお願いします。' },
      { name: '髙橋', date: '4月2日', nights: '3', note: '朝食は「和食」で、子供用の椅子もお願いします。' },
    ],
  },
  {
    agent: 'Civic Library: overdue notice',
    from: '+12025550163',
    language: 'en',
    answered_by: 'no-answer',
    ended_by: 'ASSISTANT',
    disposition: 'no_answer',
    summary: '{name} did not answer. To be tried again on {retry_on} about "{title}".',
    lines: [],
    people: [
      { name: 'Ernestine Vaughn', title: 'The Cook\'s "Secret" Garden', retry_on: 'Wednesday' },
      { name: 'Bastien Kouassi', title: 'C:\\Users\\Me: Notes of an Early Adopter', retry_on: 'Thursday' },
    ],
  },
];
