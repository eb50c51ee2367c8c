import { createRandom, type Random } from './random.ts'

/** Degrees. Multiples of the golden angle are never close to each other. */
const GOLDEN_ANGLE = 137.508

/** An SVG of a bird on a perch, 400 by 400; each index has its own colours and shape. */
export function drawBird(index: number) {
  const random = createRandom(index)
  const hue = (index * GOLDEN_ANGLE) % 360
  const parts = [
    path('M0 0 H400 V400 H0 Z', color(hue, 65, 84)),
    backdrop(random, hue),
    bird(random, (hue + random.pick([30, 150, 180, 210, 330])) % 360),
    path('M0 345 H400 V359 H0 Z', color(28, 35, 32)),
  ]
  const facing = random.chance(0.5) ? '' : ' transform="translate(400 0) scale(-1 1)"'
  return `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><g${facing}>${parts.join('')}</g></svg>`
}

/** A sun, a hill, balloons or a ray of light. */
function backdrop(random: Random, hue: number) {
  const paler = color(hue + random.between(-40, 40), 75, 91)
  const x = random.between(60, 340)
  const balloon = (i: number) => circle(40 + i * 80, 60 + (x % 60) + (i % 2) * 90, 22, paler)
  return random.pick([
    circle(x, random.between(70, 160), 80, paler),
    path(`M0 300 Q${x} ${random.between(120, 200)} 400 290 V400 H0 Z`, paler),
    [0, 1, 2, 3, 4].map(balloon).join(''),
    path(`M0 ${x} L400 ${x - 160} V${x - 60} L0 ${x + 100} Z`, paler),
  ])
}

function bird(random: Random, hue: number) {
  const plumage = color(hue, 60, random.between(38, 52))
  const dark = color(hue, 60, 30)
  const belly = color(hue + random.pick([0, 40, 320]), 70, 80)
  const horn = color(random.between(15, 48), 95, 52)
  const [width, height] = [random.between(95, 125), random.between(80, 100)]
  const [x, y, r] = [random.between(245, 270), random.between(130, 155), random.between(52, 68)]
  const tail = random.between(185, 265)
  const wing = ellipse(155, 235, random.between(58, 78), random.between(34, 48), dark)
  return [
    path(`M130 240 L${random.between(15, 45)} ${tail} l15 60 Z`, dark),
    crest(random, x, y - r, dark),
    path(`M180 300 h9 v48 h-9 Z M221 300 h9 v48 h-9 Z`, horn),
    ellipse(200, 235, width, height, plumage),
    ellipse(235, 263, width * 0.6, height * 0.6, belly),
    circle(x, y, r, plumage),
    path(`M${x + r - 6} ${y - 14} l${random.between(38, 75)} 18 L${x + r - 6} ${y + 22} Z`, horn),
    circle(x + 18, y - 8, 17, '#fff'),
    circle(x + 22, y - 8, 9, '#1d1d26'),
    `<g transform="rotate(${random.between(-28, 12)} 170 230)">${wing}</g>`,
  ].join('')
}

function crest(random: Random, x: number, top: number, fill: string) {
  const lean = random.between(-34, 16)
  const feather = (i: number) => path(`M${x - 25 + i * 22} ${top + 18} l${lean} -52 l24 46 Z`, fill)
  return Array.from({ length: random.between(0, 3) }, (_, i) => feather(i)).join('')
}

const color = (hue: number, saturation: number, lightness: number) =>
  `hsl(${Math.round(hue + 360) % 360}, ${saturation}%, ${lightness}%)`

const path = (d: string, fill: string) => `<path d="${d}" fill="${fill}"/>`

const ellipse = (x: number, y: number, rx: number, ry: number, fill: string) =>
  `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="${fill}"/>`

const circle = (x: number, y: number, r: number, fill: string) => ellipse(x, y, r, r, fill)
