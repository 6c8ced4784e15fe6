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
complete -c kin -n __fish_kin_no_command -a sum -d 'Add up files of numbers'
complete -c kin -n __fish_kin_no_command -a min -d 'Find the least number in files'
complete -c kin -n __fish_kin_no_command -a max -d 'Find the greatest number in files'
complete -c kin -n __fish_kin_no_command -a mean -d 'Tell the mean of files of numbers'
complete -c kin -n __fish_kin_no_command -a sort -d 'Sort files of numbers'
complete -c kin -n __fish_kin_no_command -a help -d 'List the commands, or tell the options of one'
complete -c kin -n __fish_kin_no_command -a version -d 'Print the version'

complete -c kin -n '__fish_kin_in help' -a 'run expect report sum min max mean sort'

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

complete -c kin -n '__fish_kin_in sum' -F
complete -c kin -n '__fish_kin_in sum' -l type -x -a 'i8 i16 i32 i64 u8 u16 u32 u64 f32 f64' -d 'Type of the items'
complete -c kin -n '__fish_kin_in sum' -l text -d 'The files are text'
complete -c kin -n '__fish_kin_in sum' -l kind -x -a 'threads processes' -d 'What does the work'
complete -c kin -n '__fish_kin_in sum' -l workers -x -d 'How many work'
complete -c kin -n '__fish_kin_in sum' -l speed -d 'Tell the speed'
complete -c kin -n '__fish_kin_in sum' -l progress -d 'Show a bar from the beginning'
complete -c kin -n '__fish_kin_in sum' -l no-progress -d 'Show no bar'
complete -c kin -n '__fish_kin_in sum' -l exact -d 'The exact sum, rounded once'

complete -c kin -n '__fish_kin_in min' -F
complete -c kin -n '__fish_kin_in min' -l type -x -a 'i8 i16 i32 i64 u8 u16 u32 u64 f32 f64' -d 'Type of the items'
complete -c kin -n '__fish_kin_in min' -l text -d 'The files are text'
complete -c kin -n '__fish_kin_in min' -l kind -x -a 'threads processes' -d 'What does the work'
complete -c kin -n '__fish_kin_in min' -l workers -x -d 'How many work'
complete -c kin -n '__fish_kin_in min' -l speed -d 'Tell the speed'
complete -c kin -n '__fish_kin_in min' -l progress -d 'Show a bar from the beginning'
complete -c kin -n '__fish_kin_in min' -l no-progress -d 'Show no bar'
complete -c kin -n '__fish_kin_in min' -l where -d 'Also which item it is'

complete -c kin -n '__fish_kin_in max' -F
complete -c kin -n '__fish_kin_in max' -l type -x -a 'i8 i16 i32 i64 u8 u16 u32 u64 f32 f64' -d 'Type of the items'
complete -c kin -n '__fish_kin_in max' -l text -d 'The files are text'
complete -c kin -n '__fish_kin_in max' -l kind -x -a 'threads processes' -d 'What does the work'
complete -c kin -n '__fish_kin_in max' -l workers -x -d 'How many work'
complete -c kin -n '__fish_kin_in max' -l speed -d 'Tell the speed'
complete -c kin -n '__fish_kin_in max' -l progress -d 'Show a bar from the beginning'
complete -c kin -n '__fish_kin_in max' -l no-progress -d 'Show no bar'
complete -c kin -n '__fish_kin_in max' -l where -d 'Also which item it is'

complete -c kin -n '__fish_kin_in mean' -F
complete -c kin -n '__fish_kin_in mean' -l type -x -a 'i8 i16 i32 i64 u8 u16 u32 u64 f32 f64' -d 'Type of the items'
complete -c kin -n '__fish_kin_in mean' -l text -d 'The files are text'
complete -c kin -n '__fish_kin_in mean' -l kind -x -a 'threads processes' -d 'What does the work'
complete -c kin -n '__fish_kin_in mean' -l workers -x -d 'How many work'
complete -c kin -n '__fish_kin_in mean' -l speed -d 'Tell the speed'
complete -c kin -n '__fish_kin_in mean' -l progress -d 'Show a bar from the beginning'
complete -c kin -n '__fish_kin_in mean' -l no-progress -d 'Show no bar'
complete -c kin -n '__fish_kin_in mean' -l variance -d 'Also the variance'

complete -c kin -n '__fish_kin_in sort' -F
complete -c kin -n '__fish_kin_in sort' -l type -x -a 'i8 i16 i32 i64 u8 u16 u32 u64 f32 f64' -d 'Type of the items'
complete -c kin -n '__fish_kin_in sort' -l text -d 'The files are text'
complete -c kin -n '__fish_kin_in sort' -l kind -x -a 'threads processes' -d 'What does the work'
complete -c kin -n '__fish_kin_in sort' -l workers -x -d 'How many work'
complete -c kin -n '__fish_kin_in sort' -l speed -d 'Tell the speed'
complete -c kin -n '__fish_kin_in sort' -l progress -d 'Show a bar from the beginning'
complete -c kin -n '__fish_kin_in sort' -l no-progress -d 'Show no bar'
complete -c kin -n '__fish_kin_in sort' -s r -l reverse -d 'The greatest first'
complete -c kin -n '__fish_kin_in sort' -s o -l output -r -F -d 'Where the output goes'
