// Formulas first, then each slide that is a little too high gets smaller letters, then reveal.js takes over.
(async () => {
  const slides = document.querySelector('.reveal .slides');
  const HEIGHT = 720, SMALLEST = 0.72;
  const pages = [...slides.querySelectorAll('section > section')];

  await MathJax.startup.promise;
  // A comma or full stop stays in the line of the formula before it.
  for (const formula of slides.querySelectorAll('mjx-container:not([display])')) {
    const after = formula.nextSibling, mark = after?.nodeType === Node.TEXT_NODE && /^[.,;:!?)]+/.exec(after.data)?.[0];
    if (!mark) continue;
    const together = document.createElement('span');
    together.style.whiteSpace = 'nowrap';
    formula.replaceWith(together);
    together.append(formula, mark);
    after.data = after.data.slice(mark.length);
  }
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  slides.classList.add('measured');
  for (const page of pages) {
    for (let scale = 1; page.getBoundingClientRect().height > HEIGHT && scale > SMALLEST; ) {
      scale -= 0.04;
      page.style.zoom = scale;
    }
    // A formula that is wider than the slide shrinks by itself.
    for (const formula of page.querySelectorAll('mjx-container[display="true"]')) {
      const over = formula.scrollWidth / formula.clientWidth;
      if (over > 1) formula.style.fontSize = `${Math.floor(100 / over)}%`;
    }
  }
  slides.classList.remove('measured');

  await Reveal.initialize({
    width: 1280, height: HEIGHT, margin: 0, center: false, hash: true, slideNumber: 'c/t', transition: 'none',
    controlsTutorial: false, plugins: [RevealNotes],
  });
})();
