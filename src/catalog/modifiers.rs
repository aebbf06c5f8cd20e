//! Message modification modules, string generators and function modules.

use crate::catalog::absent;
use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Modifier;

const LEFT_OUT: &str = "the action is left out meanwhile";

pub(super) static MODULES: &[Module] = &[
    later("mmjsonparse", Modifier, "Parses JSON and CEE text into variables.", LEFT_OUT),
    absent(
        "mmnormalize",
        Modifier,
        "Parses text by liblognorm's rules.",
        "re_extract() and field()",
    ),
];
