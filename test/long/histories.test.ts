import '../timeline-histories.ts'
