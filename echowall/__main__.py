from echowall.cli import main

main()
