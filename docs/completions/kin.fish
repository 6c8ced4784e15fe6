# fish completion for kin(1)

# The command on the line is the one named; its own options come before the program.
function __fish_kin_in
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __fish_kin_no_command
    test (count (commandline -opc)) -eq 1
end

complete -c kin -f
complete -c kin -n __fish_kin_no_command -a run -d 'Run a program and show its family'
complete -c kin -n __fish_kin_no_command -a expect -d 'Run a program and check what its family did'
complete -c kin -n __fish_kin_no_command -a report -d 'Show a recording'
complete -c kin -n __fish_kin_no_command -a help -d 'List the commands, or tell the options of one'
complete -c kin -n __fish_kin_no_command -a version -d 'Print the version'

complete -c kin -n '__fish_kin_in help' -a 'run expect report'

complete -c kin -n '__fish_kin_in run' -a '(__fish_complete_subcommand --fcs-skip=2)'
complete -c kin -n '__fish_kin_in run' -l tree -d 'The family as a tree'
complete -c kin -n '__fish_kin_in run' -l live -d 'One line for each event as it happens'
complete -c kin -n '__fish_kin_in run' -l summary -d 'A table, one row for each program'
complete -c kin -n '__fish_kin_in run' -l json -d 'The recording itself'
complete -c kin -n '__fish_kin_in run' -l all -d 'Fold nothing'
complete -c kin -n '__fish_kin_in run' -s v -l verbose -d 'Every detail of each task'
complete -c kin -n '__fish_kin_in run' -s q -l quiet -d 'Show no view'
complete -c kin -n '__fish_kin_in run' -l color -x -a 'auto always never' -d Colours
complete -c kin -n '__fish_kin_in run' -l width -x -d Columns
complete -c kin -n '__fish_kin_in run' -s o -l output -r -F -d 'Where the output goes'
complete -c kin -n '__fish_kin_in run' -l save -r -F -d 'Write the recording too'
complete -c kin -n '__fish_kin_in run' -l faults -a inexact -d 'Locate each page fault'
complete -c kin -n '__fish_kin_in run' -l failed -d 'See all failed calls'
complete -c kin -n '__fish_kin_in run' -l env -d 'Record changes of the environment'
complete -c kin -n '__fish_kin_in run' -l follow -x -a 'all direct none' -d 'How far to follow'
complete -c kin -n '__fish_kin_in run' -l no-stop -d 'Stop nothing'
complete -c kin -n '__fish_kin_in run' -l on-kin-death -x -a 'run kill' -d 'When kin is killed'

complete -c kin -n '__fish_kin_in expect' -l list-names -d 'List every name an expression can use'
complete -c kin -n '__fish_kin_in expect' -l from -r -F -d 'Check a saved recording'
complete -c kin -n '__fish_kin_in expect' -s q -l quiet -d 'Tell nothing'
complete -c kin -n '__fish_kin_in expect' -l tap -d 'Every expectation, as TAP'
complete -c kin -n '__fish_kin_in expect' -l tree -d 'The family too, if one does not hold'
complete -c kin -n '__fish_kin_in expect' -s o -l output -r -F -d 'Where the output goes'
complete -c kin -n '__fish_kin_in expect' -l junit -r -F -d 'Every expectation as JUnit XML'
complete -c kin -n '__fish_kin_in expect' -l save -r -F -d 'Write the recording too'
complete -c kin -n '__fish_kin_in expect' -l faults -a inexact -d 'Locate each page fault'
complete -c kin -n '__fish_kin_in expect' -l failed -d 'See all failed calls'
complete -c kin -n '__fish_kin_in expect' -l no-stop -d 'Stop nothing'
complete -c kin -n '__fish_kin_in expect' -l follow -x -a 'all direct none' -d 'How far to follow'
complete -c kin -n '__fish_kin_in expect' -l on-kin-death -x -a 'run kill' -d 'When kin is killed'

complete -c kin -n '__fish_kin_in report' -F
complete -c kin -n '__fish_kin_in report' -l tree -d 'The family as a tree'
complete -c kin -n '__fish_kin_in report' -l summary -d 'A table, one row for each program'
complete -c kin -n '__fish_kin_in report' -l faults -d 'Page faults by cause, mapping and place'
complete -c kin -n '__fish_kin_in report' -l live -d 'One line for each event'
complete -c kin -n '__fish_kin_in report' -l json -d 'The recording itself'
complete -c kin -n '__fish_kin_in report' -l all -d 'Fold nothing'
complete -c kin -n '__fish_kin_in report' -s v -l verbose -d 'Every detail of each task'
complete -c kin -n '__fish_kin_in report' -s o -l output -r -F -d 'Where the output goes'
complete -c kin -n '__fish_kin_in report' -l color -x -a 'auto always never' -d Colours
complete -c kin -n '__fish_kin_in report' -l width -x -d Columns
