#!/usr/bin/env node
// The installed command. Old JavaScript on purpose: an old Node must be able to read it and say what it needs.
'use strict'

var needed = [22, 14]
var have = process.versions.node.split('.').map(Number)

if (have[0] < needed[0] || (have[0] === needed[0] && have[1] < needed[1])) {
  console.error(
    'hearsay: needs Node ' + needed.join('.') + ' or newer; this is Node ' + process.versions.node + '.'
  )
  console.error('Get it from https://nodejs.org, or run: npx -p node@26 -p hearsay hearsay')
  process.exitCode = 1
} else {
  import('../dist/cli/main.js').catch(function (error) {
    console.error(error)
    process.exitCode = 70
  })
}
