graph [
  node [ id 0 label "h0" ]
  node [ id 1 label "h1" ]
  node [ id 2 label "tor" ]
  edge [ source 0 target 2 LinkSpeedRaw 25e9 delay "1us" ]
  edge [ source 1 target 2 LinkSpeedRaw 25e9 delay "1us" ]
]
