# bash completion for kin(1)

# The rest of the line is a command of its own: complete it as if kin were not there.
_kin_program() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif (($1 == COMP_CWORD)); then
		mapfile -t COMPREPLY < <(compgen -c -- "$2")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
	fi
}

# Where PROG is on the line: an index, 0 if it has not come yet. with_argument: the options that take the next word;
# only_after: set where PROG can only follow "--".
_kin_program_at() {
	local i word
	for ((i = 2; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == -- && i -lt COMP_CWORD ]]; then
			echo $((i + 1))
			return
		elif [[ " ${with_argument[*]} " == *" $word "* && -n $word ]]; then
			((i += 1))
			# readline splits --option=value in three words
			[[ ${COMP_WORDS[i]-} != = ]] || ((i += 1))
		elif [[ $word != -* && -z $only_after ]]; then
			echo "$i"
			return
		fi
	done
	echo 0
}

_kin() {
	local word=$2 before=$3 command=${COMP_WORDS[1]} options='' with_argument=() only_after='' at=0
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'run expect report sum min max mean sort help version' -- "$word")
		return
	fi
	[[ $before != = ]] || before=${COMP_WORDS[COMP_CWORD - 2]}
	[[ $word != = ]] || word=''

	case $command in
	help)
		((COMP_CWORD > 2)) || mapfile -t COMPREPLY < <(compgen -W 'run expect report sum min max mean sort' -- "$word")
		return
		;;
	run)
		options='--tree --live --summary --json --all --verbose --quiet --color= --width= --output= --save=
			--faults --faults=inexact --failed --env --follow= --no-stop --on-kin-death='
		with_argument=(-o --output --save --color --width --follow --on-kin-death)
		at=$(_kin_program_at)
		;;
	expect)
		options='--list-names --from= --quiet --tap --tree --output= --junit= --save= --faults --faults=inexact
			--failed --no-stop --follow= --on-kin-death='
		with_argument=(--from -o --output --junit --save --follow --on-kin-death)
		only_after=yes
		at=$(_kin_program_at)
		;;
	report)
		options='--tree --summary --faults --live --json --all --verbose --output= --color= --width='
		;;
	sum)
		options='--type= --text --kind= --workers= --speed --progress --no-progress --exact'
		;;
	min)
		options='--type= --text --kind= --workers= --speed --progress --no-progress --where'
		;;
	max)
		options='--type= --text --kind= --workers= --speed --progress --no-progress --where'
		;;
	mean)
		options='--type= --text --kind= --workers= --speed --progress --no-progress --variance'
		;;
	sort)
		options='--type= --text --kind= --workers= --speed --progress --no-progress --reverse --output='
		;;
	*)
		return
		;;
	esac

	if ((at > 0)); then
		_kin_program "$at" "$word"
		return
	fi
	case $before in
	--color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$word") ;;
	--follow) mapfile -t COMPREPLY < <(compgen -W 'all direct none' -- "$word") ;;
	--on-kin-death) mapfile -t COMPREPLY < <(compgen -W 'run kill' -- "$word") ;;
	--kind) mapfile -t COMPREPLY < <(compgen -W 'threads processes' -- "$word") ;;
	--type) mapfile -t COMPREPLY < <(compgen -W 'i8 i16 i32 i64 u8 u16 u32 u64 f32 f64' -- "$word") ;;
	--width | --workers) ;;
	*)
		# An expression is nobody's to guess.
		if [[ $word != -* && -n $only_after && " ${with_argument[*]} " != *" $before "* ]]; then
			return
		elif [[ $word == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
			[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
		else
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
		fi
		;;
	esac
} && complete -F _kin kin
