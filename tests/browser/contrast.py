"""What a page shows with too little contrast, and headings out of order, read in the browser."""

# WCAG 2.2, 1.4.3: 4.5 to 1, or 3 to 1 for large letters. Texts in pictures and formulas are not seen by this.
FAINT = """() => {
    const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = (rgb) => 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
    const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
    const over = (front, back) => back.map((v, at) => v + (front[at] - v) * (front[3] ?? 1));
    const ground = (part) => part === null ? [255, 255, 255]
        : over(rgba(getComputedStyle(part).backgroundColor), ground(part.parentElement));
    const faint = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode()); ) {
        const part = text.parentElement, style = getComputedStyle(part);
        if (!text.data.trim() || part.closest("svg, script, style, mjx-container")) continue;
        if (!part.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        const back = ground(part), ends = [light(over(rgba(style.color), back)), light(back)].sort((a, b) => b - a);
        const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const contrast = (ends[0] + 0.05) / (ends[1] + 0.05);
        if (contrast < (large ? 3 : 4.5)) faint.push(`${contrast.toFixed(2)}: ${text.data.trim().slice(0, 40)}`);
    }
    return faint;
}"""


def disorder(levels: list[int]) -> bool:
    """Whether headings of these levels do not begin with the only one of level 1, or leave a level out downwards."""
    skipped = any(later > level + 1 for level, later in zip(levels, levels[1:], strict=False))
    return levels[:1] != [1] or levels.count(1) > 1 or skipped
