"""Every word of the page, by language and id. A third language is one more dictionary."""

import re

DEFAULT_LANGUAGE = "en"

LOCALES: dict[str, dict[str, str]] = {
    "en": {
        "language.name": "English",
        "number.decimal": ".",
        "number.thousands": ",",
        "number.grouped_from": "1000",
        "number.percent": "{number}\N{NO-BREAK SPACE}%",
        "app.title": "Four networks, one face",
        "app.subtitle": "Small neural networks trained on FER2013 guess a face's expression. See where they agree.",
        "app.language": "Language",
        "tab.compare": "Compare",
        "tab.live": "Live",
        "tab.many": "Many",
        "tab.models": "Models",
        "tab.code": "In your code",
        "photo.label": "Photo",
        "photo.placeholder": "Drop a photo here, paste one\nor click to choose a file",
        "photo.alt": "The photo that you chose",
        "photo.examples": "Or try one of these",
        "photo.whole": "Use the whole picture",
        "example.grace_hopper": "Grace Hopper",
        "example.astronaut": "Eileen Collins",
        "hint.title": "What may explain a bad answer:",
        "hint.animated": "The file holds several pictures, such as an animation; only the first was looked at.",
        "hint.no_face": "No face was found in the picture.",
        "hint.small": "The face is only {value} pixels wide; the networks look at 48.",
        "hint.dark": "The face is dark.",
        "hint.bright": "The face is very bright.",
        "hint.flat": "The face has little contrast.",
        "hint.blurred": "The face is blurred.",
        "hint.noisy": "The picture is grainy or sharpened too much.",
        "hint.turned": "The face is turned away.",
        "hint.tilted": "The head is tilted by {value} degrees.",
        "hint.cut": "Part of the face lies outside the picture.",
        "hint.doubtful": "It is not certain that this is a face.",
        "photo.with_faces": "The photo, with boxes around its faces: {count}",
        "photo.crop": "What the networks see: 48 × 48 grey pixels",
        "verdict.empty": "Choose a photo with a face, and the answers of the networks appear here.",
        "verdict.one": "{model} says {label}.",
        "verdict.all": "All {total} say {label}.",
        "verdict.most": "{count} of {total} say {label}.",
        "verdict.split": "They disagree.",
        "verdict.others": "{models} says {label}.",
        "verdict.others_many": "{models} say {label}.",
        "verdict.average": "Average of the {total}:",
        "verdict.unsure": "not sure",
        "verdict.threshold": "It would be sure if the average reached {share} and {count} of {total} agreed, more than "
        "on any other label.",
        "verdict.threshold_one": "It would be sure if it reached {share}.",
        "verdict.and": "and",
        "verdict.disclaimer": "This is a guess about how the face looks, not about how the person feels.",
        "faces.none": "No face was found in this picture. Try one in which the face is larger and looks at the camera, "
        "or use the whole picture as it is.",
        "faces.label": "Faces in the photo, the largest first",
        "faces.number": "Face {number}",
        "faces.which": "This is about face {number} of {count}.",
        "faces.turned": "The photo was turned by {degrees} degrees, so that the face is upright.",
        "faces.whole": "The whole picture was taken for the face.",
        "networks.label": "Networks shown",
        "networks.none": "No network is chosen. Tick at least one under “Networks shown”.",
        "tag.label": "How they were trained",
        "tag.ferplus": "what ten people saw",
        "tag.tuned": "the data set's own labels",
        "tag.report": "as in the original 2022 report",
        "table.caption": "All probabilities in one picture",
        "table.label": "label",
        "table.average": "average",
        "why.button": "Why?",
        "why.label": "What speaks for",
        "why.own": "each network's own answer",
        "why.text": "What in the face speaks for that label to each network, by Grad-CAM; what speaks against it is "
        "not shown. All pictures are on one scale. It says where a network looks, not that it looks well.",
        "why.little": "nothing",
        "why.much": "most of all networks",
        "why.picture": "To {model}, {where} speaks most for {label}",
        "why.strength": "up to {share} of the scale",
        "why.nothing": "nothing in the face speaks for it",
        "why.top_left": "the upper left",
        "why.top_middle": "the upper middle",
        "why.top_right": "the upper right",
        "why.middle_left": "the middle left",
        "why.middle_middle": "the centre",
        "why.middle_right": "the middle right",
        "why.bottom_left": "the lower left",
        "why.bottom_middle": "the lower middle",
        "why.bottom_right": "the lower right",
        "save.label": "Save",
        "save.json": "JSON",
        "save.csv": "CSV",
        "save.png": "Picture",
        "save.face": "with the face in the picture",
        "share.label": "Link and code with these settings",
        "share.link": "Link; the photo is not in it",
        "share.python": "Python",
        "share.shell": "Terminal",
        "card.accuracy.fer2013": "right on {accuracy} of {n} test faces",
        "card.accuracy.people": "agrees with most people on {accuracy} of {n} faces",
        "card.latency": "{latency} ms",
        "card.size": "{size} MB",
        "card.tag": "training: {tag}",
        "card.agrees": "= agrees",
        "card.differs": "≠ differs",
        "card.probabilities": "Probabilities of {model}",
        "live.hint": "Start the camera, and the answers of the networks appear over its picture.",
        "live.privacy": "While it runs, pictures go to the machine that serves this page. They stay in its memory, and "
        "are forgotten with the answer. It stops after a minute, and a click goes on.",
        "live.start": "Start the camera",
        "live.stop": "Stop the camera",
        "live.go_on": "Go on",
        "live.models": "Networks",
        "live.all": "The four",
        "live.camera": "Camera",
        "live.front": "Front",
        "live.back": "Back",
        "live.video": "The picture of your camera",
        "live.starting": "The camera is starting. If your browser asks, allow this page to use it.",
        "live.ended": "The camera was switched off or unplugged.",
        "live.away": "The camera was switched off while you were away.",
        "live.over": "Stopped after {seconds} seconds, so that others get their turn.",
        "live.full": "Too many cameras are on at the moment. Yours starts by itself as soon as there is room.",
        "live.pause": "One moment: now others may come first. It goes on by itself.",
        "live.unreadable": "The picture of the camera cannot be read.",
        "live.no_face": "No face in the picture. Come closer and look at the camera.",
        "live.fps": "{fps} pictures per second",
        "live.empty": "The answers appear here.",
        "live.timeline": "Average of the networks, the last {seconds} seconds",
        "live.timeline_one": "{model}, the last {seconds} seconds",
        "many.label": "Photos, a zip of photos, or one video",
        "many.start": "Start",
        "many.cancel": "Cancel",
        "many.rate": "Pictures looked at per second of a video",
        "many.privacy": "Your files lie on the machine that serves this page while they are looked at, and are deleted "
        "within minutes, and so is the video with boxes. Tables and timelines are part of this page, and are not "
        "written there.",
        "many.empty": "Choose photos, a zip of photos or a video, then press Start. Every face in photos gets a row "
        "with the answers of the networks; of a video you see how the answers for its main face change.",
        "many.nothing": "There is nothing to look at yet. Choose photos, a zip of photos or a video first.",
        "many.video_alone": "A video is looked at on its own. Choose it alone, or photos without it.",
        "many.waiting": "Waiting for a free place: long jobs take turns, so that the rest of the page stays quick.",
        "many.progress": "Progress",
        "many.done": "{done} of {total} files",
        "many.left_seconds": "about {count} s left",
        "many.left_minutes": "about {count} min left",
        "many.cancelled": "Cancelled.",
        "many.cut_short": "Cancelled. What was done until then is shown below.",
        "many.failed": "Something went wrong here, and it is not your files’ fault. Please try again.",
        "many.caption": "Every face, and what the networks say of it",
        "many.column.file": "File",
        "many.column.face": "Face",
        "many.column.box": "Box, in pixels",
        "many.column.score": "Detector",
        "many.column.together": "Together",
        "many.agreement": "{count} of {total} agree",
        "many.unsure": "not sure",
        "many.files": "Files",
        "many.faces": "Faces",
        "many.failures": "Without an answer",
        "many.shown": "The first {shown} of {total} rows are shown; the CSV has all of them.",
        "many.csv": "Download as CSV",
        "many.watched": "{done} of {total} of the video",
        "many.watched_so_far": "{done} of the video, which does not say how long it is",
        "many.looks": "Pictures looked at",
        "many.in_sight": "Main face in sight",
        "many.mean": "on average",
        "many.timeline": "The main face over time: average of the networks, each line from 0 to 100 %",
        "many.timeline_gap": "Nothing is drawn where the face was out of sight. The numbers are means over the video.",
        "many.video": "The video with boxes: the pictures that were looked at, without sound",
        "many.no_face_anywhere": "No face was found in this video. Try one in which a face is larger and looks at the "
        "camera.",
        "error.no_face": "No face was found.",
        "error.no_face_in_first": "No face was found in the first picture of the file; the others were not looked at.",
        "error.too_many_files": "These are more than {files} files. Please choose fewer at a time.",
        "error.zip_missing": "The zip is gone. Please choose it again.",
        "error.zip_damaged": "This zip is damaged or cut short. Please save it again.",
        "error.zip_empty": "There is no file in this zip.",
        "error.zip_encrypted": "This zip is locked with a password. Please save it without one.",
        "error.zip_too_many": "This zip has more than {entries} files. Please split it into smaller ones.",
        "error.zip_too_large": "This zip unpacks to far more than photos do, and was not opened. Please save the "
        "photos in a new one.",
        "error.zip_entry_too_large": "This file is too large for a photo.",
        "error.video_missing": "The video is gone. Please choose it again.",
        "error.video_unreadable": "This video is damaged, or of a kind that cannot be read. Please choose an MP4 "
        "or MOV.",
        "error.video_without_pictures": "There are no pictures in this file. Please choose a video.",
        "error.video_too_large": "The pictures of this video have more than {frame_megapixels} megapixels. Please save "
        "it smaller, as 4K or less.",
        "error.video_too_long": "This video is longer than {minutes} minutes. Please cut it.",
        "error.video_cut": "This video is damaged or cut short. What could be read of it is below.",
        "error.missing": "The photo and its answers are forgotten. Please choose it again.",
        "error.empty": "This file is empty. Please choose another.",
        "error.unreadable": "This picture is damaged or cut short. Please choose another.",
        "error.not_an_image": "This file is not a picture that can be read. Please choose a JPEG or PNG.",
        "error.format": "Files of this kind are not read here: {format}. Please save it as JPEG or PNG.",
        "error.heic": "This server cannot read HEIC, which iPhones write. Please save the photo as JPEG: on an iPhone "
        "under Settings, Camera, Formats choose Most Compatible.",
        "error.video": "This is a video. Please choose it alone, on the tab Many, or choose a photo.",
        "error.too_large": "This picture has more than {megapixels} megapixels. Please make it smaller.",
        "error.file_too_large": "This file is larger than {megabytes} MB. Please choose a smaller one.",
        "error.files_too_large": "Together these files are larger than {megabytes} MB. Please choose fewer.",
        "error.busy": "Too many people are using this page right now. Please try again in a moment.",
        "error.full": "There is no room left for files on the server. Please try again in some minutes.",
        "error.offline": "The connection to the server was lost. Please check it and try again.",
        "error.unexpected": "Something went wrong here, and it is not your fault. Please try again.",
        "error.camera_denied": "The browser does not let this page use the camera. Allow it beside the address of the "
        "page, or choose a photo instead.",
        "error.camera_missing": "No camera was found. Connect one, or choose a photo instead.",
        "error.camera_busy": "The camera gives no picture; perhaps another program is using it. Close that program, or "
        "choose a photo instead.",
        "error.camera_insecure": "Browsers lend the camera to secure pages (https) and to this machine's own pages "
        "only. Choose a photo instead.",
        "error.clipboard_denied": "The browser does not let this page read the clipboard. Press Ctrl+V (on a Mac ⌘V), "
        "or choose a photo instead.",
        "error.clipboard_empty": "There is no picture on the clipboard. Copy one first.",
        "models.title": "How often are they right?",
        "models.lead.ferplus_test": "On {n} faces that chose no weights and no epoch, the best of these models, "
        "{model}, agrees with most of ten people {accuracy} of the time. Blind guessing would agree {chance} of the "
        "time, and always saying “{label}” {majority}.",
        "models.lead.official_test_without_copies": "By the data set's own labels the best is {model}: on {n} such "
        "faces, without copies of training images, it is right {accuracy} of the time, where guessing is right "
        "{chance} and always saying “{label}” {majority}.",
        "models.unmeasured": "Not measured yet.",
        "models.points": "in points",
        "models.images": "{n} images",
        "models.interval": "{low} to {high}",
        "models.scale": "from {low} to {high}",
        "tag.notebook": "as in the notebook of the report's author, which differs from the printed tables",
        "models.report.title": "Beside the report",
        "models.report.text": "A student's report of November 2022 trained these four networks once each. Here they "
        "are trained again, and measured on the same test images. The filled dots are our runs, each with another "
        "seed; the hollow diamond is the report's figure. The later revision is by the same author, with deeper "
        "networks.",
        "models.report.caption": "Share of the report's test images that a model gets right, mean ± standard "
        "deviation. In brackets, the report's. A place such as 1–4 is one that the runs leave open: three runs against "
        "three part by chance in a tenth of the cases, and of four models it takes five runs each to tell two apart.",
        "models.report.network": "network",
        "models.report.test": "this project",
        "models.report.published": "the report",
        "models.report.difference": "difference",
        "models.report.runs": "runs",
        "models.report.rank": "place",
        "models.report.gap": "over-fitting gap",
        "models.report.revision": "later revision",
        "models.report.seed": "{count} run",
        "models.report.seeds": "{count} runs",
        "models.statistics.text": "That the two with batch normalisation rank last is an artefact of lagging "
        "statistics: after ten epochs their running statistics are behind the weights. Taken anew from {images} "
        "training images without their labels, and with no weight changed, they lift {changes} on PrivateTest. The "
        "order there was {before}; it is then {after}, too close to say which is first. Seeds: {seeds}.",
        "models.statistics.change": "{model} from {before} to {after}",
        "models.sets.title": "On five test sets",
        "models.sets.text": "The same models, asked about five sets of faces. The first three chose no weights and no "
        "epoch: PrivateTest without its copies of training images, all of it, and the faces of it on which most of ten "
        "people agree, with what they saw as the label (FER+). PublicTest chose epochs and temperatures, and is half "
        "of the report's test set, so these two flatter.",
        "models.sets.caption": "Share of right answers, with its 95 % interval. Each line runs",
        "models.sets.report_test": "The report's test set",
        "models.sets.official_validation": "PublicTest",
        "models.sets.ferplus_test": "What most people saw",
        "models.sets.official_test": "PrivateTest",
        "models.sets.official_test_without_copies": "PrivateTest, no copies",
        "models.peers.title": "Beside others",
        "models.peers.text": "Packages that people install, each with the weights that it carries and by its own call, "
        "on the same faces of PrivateTest and without a detector. Those trained on FER2013 do not say on which part of "
        "it, so they may know these very faces.",
        "models.peers.caption": "Share of right answers, measured on {hardware}. By people: the emotion that more than "
        "half of FER+'s votes name. Mean recall: over the seven expressions.",
        "models.peers.package": "package or model",
        "models.peers.official_test": "by FER2013's label",
        "models.peers.ferplus_test": "by people",
        "models.peers.recall": "mean recall, by people",
        "models.peers.others": "packages of others",
        "models.peers.ours": "this project",
        "models.votes.title": "What people saw in the same faces",
        "models.votes.text": "Each face of FER2013 was shown again to ten people (FER+). The table says how far they "
        "agree with its labels, beside how far the networks do. Where people do not agree with a label, a network that "
        "sees what they see is counted as wrong.",
        "models.votes.caption": "{n} images of PublicTest; {unknown} more have no votes. Of the networks, the share of "
        "each label's images that they recognise there.",
        "models.votes.label": "FER2013's label",
        "models.votes.images": "images",
        "models.votes.people": "votes for it",
        "models.votes.agreed": "images on which it leads",
        "models.votes.other": "most others say",
        "models.votes.contempt": "contempt",
        "models.votes.unknown": "unknown",
        "models.votes.no_face": "no face",
        "models.choose.title": "One network, closely",
        "models.choose.label": "Network",
        "models.choose.set": "Test set",
        "models.curves.accuracy": "Accuracy by epoch",
        "models.curves.loss": "Loss by epoch",
        "models.curves.epoch": "epoch",
        "models.curves.train": "training",
        "models.curves.taught": "training, by teachers too",
        "models.curves.validation": "validation",
        "models.curves.larger": "made larger after epoch {epoch}",
        "models.curves.alt": "{split} from {first} to {last} in {epochs} epochs",
        "models.confusion.title": "What is taken for what",
        "models.confusion.caption": "Confusion matrix: {split}, {n} images. Each row is one true label: "
        "its share that was taken for each expression, and how many images that are. The diagonal is right.",
        "models.confusion.corner": "label ↓ answer →",
        "models.recall.title": "Which expressions it recognises",
        "models.recall.caption": "Recall: {split}. Share of each label's images that are recognised. Macro F1, which "
        "weighs all labels alike, is {macro_f1}.",
        "models.recall.label": "label",
        "models.recall.share": "recognised",
        "models.recall.images": "images",
        "models.reliability.title": "Is it as right as it is sure?",
        "models.reliability.honest": "as right as sure",
        "models.reliability.before": "without temperature, error {error}",
        "models.reliability.after": "with temperature, error {error}",
        "models.reliability.x": "probability of the answer",
        "models.reliability.y": "share that is right",
        "models.robustness.title": "What it bears",
        "models.robustness.caption": "PrivateTest with its faces changed. Each cell tells how much, the accuracy, and "
        "the difference in points to {accuracy}, the accuracy on the faces as they are.",
        "models.robustness.change": "change",
        "models.robustness.level": "level {number}",
        "models.change.brightness": "brightness",
        "models.change.blur": "blur",
        "models.change.noise": "noise",
        "models.change.shift": "shift",
        "models.change.rotation": "rotation",
        "models.change.jpeg": "JPEG compression",
        "models.unit.blur": "standard deviation, pixels",
        "models.unit.noise": "of the range",
        "models.unit.shift": "of the width",
        "models.unit.jpeg": "quality",
        "models.level.brightness": "× {level}",
        "models.level.blur": "{level}",
        "models.level.noise": "{percent}",
        "models.level.shift": "{percent}",
        "models.level.rotation": "{level}°",
        "models.level.jpeg": "{level}",
        "models.provenance.title": "To reproduce it",
        "models.provenance.command": "command",
        "models.provenance.seed": "seed",
        "models.provenance.protocol": "split",
        "models.provenance.temperature": "temperature",
        "models.provenance.smaller": "smaller first, with",
        "models.provenance.trained": "trained with",
        "models.provenance.measured": "measured with",
        "models.provenance.download": "All its figures, as JSON",
        "models.cost.title": "Cost against accuracy",
        "models.cost.text": "All of them are small: what counts on a laptop or a phone is how long one face takes.",
        "models.cost.chart": "Time for one face, and share of right answers",
        "models.cost.caption": "Measured on {hardware}, threads: {threads}; the networks took turns, so compare them "
        "with each other. A multiply-add is one multiplication and one addition.",
        "models.cores": "{count} cores",
        "models.cost.accuracy.official_test_without_copies": "right on PrivateTest, no copies",
        "models.cost.accuracy.ferplus_test": "agrees with most people",
        "models.cost.latency": "one face",
        "models.cost.latency_axis": "time for one face, ms",
        "models.cost.throughput": "faces a second, in batches",
        "models.cost.parameters": "weights",
        "models.cost.file": "file",
        "models.cost.multiply_adds": "multiply-adds",
        "models.meaning.title": "What the figures mean",
        "models.meaning.accuracy": "Accuracy is the share of faces for which a network's first answer is the label. "
        "With seven expressions to choose from, 50 % is far from guessing and far from reliable.",
        "models.meaning.interval": "The 95 % interval says how far chance in the choice of test images reaches. Two "
        "networks whose intervals overlap widely may well be equally good.",
        "models.meaning.gap": "The over-fitting gap is training accuracy minus validation accuracy: what a network "
        "learned by heart and cannot use on new faces. Training accuracy is the running one of the last epoch; the "
        "tuned networks learn from faces changed at random, which are harder, so their gap looks smaller than it is.",
        "models.meaning.spread": "± is the standard deviation over runs that differ in their seed alone, so it tells "
        "how much of a difference is luck.",
        "models.meaning.calibration": "A network that says 70 % should be right seven times in ten. The calibration "
        "error (ECE) is the mean distance between how sure it is and how often it is right. The temperature, one "
        "number a network, makes it more or less sure of itself; it changes no answer.",
        "models.meaning.labels": "Nobody knows the true expression; there are only labels, given by people. On "
        "{agreed} of the images of PublicTest, FER2013's label is the one that ten later annotators chose most often "
        "(FER+). A network that is “wrong” may agree with them.",
        "models.meaning.copies": "{copies} of the images of PrivateTest are exact copies of training images, which "
        "flatters every network that was trained on them.",
        "models.protocol.title": "How they were chosen and read",
        "models.protocol.report": "report and notebook: a fixed number of epochs, and the last one is taken. No image "
        "chose anything. The report's validation images are part of its test set; they serve the curves alone.",
        "models.protocol.tuned": "tuned: the epoch, and which recipes were given up, were chosen on PublicTest, which "
        "is half of the report's test set, so that set flatters them. Some of them learnt from the answers of other "
        "models, too, which their cards name.",
        "models.protocol.ferplus": "ferplus: they learnt how ten people's votes are spread over the expressions. The "
        "epoch, and how far rare expressions are favoured, were chosen on PublicTest by what most people saw there. "
        "FER2013's own labels count against them wherever most people say otherwise.",
        "models.protocol.temperature": "The temperatures were fitted on PublicTest, by the labels that a model learnt.",
        "models.protocol.test": "PrivateTest chose no weights, no epoch and no temperature. But the recipes began with "
        "two trials whose accuracy there was known, later ones were written when the figures of earlier networks were, "
        "and it was read again whenever a measure was added. Each figure of a network was written by the program that "
        "measured it, with its commit and hardware; none was typed.",
        "models.limits.title": "What they cannot do",
        "models.limits.minds": "They do not read minds. They repeat which word people would give to a picture of a "
        "face, and know nothing of what the person feels.",
        "models.limits.always": "They always answer with one of seven words, to a painting, a mask or a cat as well.",
        "models.limits.frontal": "The face must look roughly at the camera and be larger than 16 pixels.",
        "models.limits.groups": "FER2013 does not say whose faces it holds. How the errors fall on age, sex or skin "
        "colour cannot be measured with it, and they will not fall evenly.",
        "models.uses.title": "What they must not be used for",
        "models.uses.decisions": "Not for decisions about people, such as hiring, marks, insurance, police or "
        "medicine.",
        "models.uses.consent": "Not on people who did not agree, and not at work or at school.",
        "models.uses.law": "In the European Union emotion recognition at work and in education is prohibited, and "
        "those exposed to it elsewhere must be told (AI Act, Articles 5 and 50).",
        "models.sources": "Sources: FER2013, Goodfellow et al. 2013, arXiv:1307.0414. FER+, Barsoum et al. 2016, "
        "arXiv:1608.01041; agreement and copies counted by this project on the files of both. Calibration error, Guo "
        "et al. 2017, arXiv:1706.04599.",
        "models.nav": "On this page",
        "code.title": "Use them in your own programs",
        "code.text": "Each of these is run by a test as it stands here. Copy one with the button in its corner.",
        "code.load.title": "A face that is cropped already",
        "code.load.text": "With this project's Python package, which brings the weights along. face.png is one face "
        "that fills the picture, as FER2013's do.",
        "code.photo.title": "A whole photo",
        "code.photo.text": "Finds the face, cuts it out as the networks expect it, and asks all of them.",
        "code.from_pretrained.title": "With plain transformers",
        "code.from_pretrained.text": "from_pretrained and pipeline work without this package: the folder of a "
        "checkpoint holds its code too, three short files. trust_remote_code runs them, so read them first.",
        "code.hub.title": "From the Hugging Face Hub",
        "code.hub.text": "With the namespace of whoever pushed the networks there. The revision is fixed by the "
        "package, and what is downloaded is checked; without a network the bundled weights are taken.",
        "code.client.title": "This page, as an API",
        "code.client.text": "gradio_client asks the page that you are looking at. The photo is sent there, and deleted "
        "within minutes.",
        "code.mcp.title": "This page, as tools of an agent",
        "code.mcp.text": "For the settings of an MCP client. Tell the people whose faces an agent looks at.",
        "code.terminal.title": "On the command line",
        "code.terminal.text": "As a table, and as JSON for scripts; in the project's folder, after make install.",
        "notice.short": "This is emotion recognition. It repeats labels that people gave to faces, is wrong {wrong}, "
        "and reads no minds. Not for use at work, at school, or on people who did not agree.",
        "notice.more": "Read more",
        "notice.wrong": "about {low} times in 10",
        "notice.wrong_range": "{low} to {high} times in 10",
        "notice.text": "The networks learned from FER2013: faces found by web search, each with a label that somebody "
        "gave it. They guess which of seven labels people would give to yours; what the person feels they cannot know. "
        "How the errors fall on age, sex or skin colour has not been measured, and they will not fall evenly. If you "
        "show somebody else's face to this page, tell them first. In the European Union, emotion recognition is "
        "prohibited at work and in education. Your photo is used to compute the answer on the machine that serves this "
        "page, lies there in a temporary folder and is deleted within minutes; it is not logged and sent nowhere else.",
        "label.angry": "angry",
        "label.disgust": "disgusted",
        "label.fear": "afraid",
        "label.happy": "happy",
        "label.neutral": "neutral",
        "label.sad": "sad",
        "label.surprise": "surprised",
        # What gradio's own widgets say, by what they say in English; `{}` stands for anything.
        "gradio.More tabs": "More tabs",
        "gradio.Upload file": "Upload file",
        "gradio.Capture from camera": "Capture from camera",
        "gradio.Paste from clipboard": "Paste from clipboard",
        "gradio.Drop an image file here to upload": "Drop a photo here or choose a file",
        "gradio.File upload": "Choose a file",
        "gradio.Remove Image": "Remove Image",
        "gradio.Empty value": "No photo yet",
        "gradio.Click to Access Webcam": "Click to Access Webcam",
        "gradio.grant webcam access": "grant webcam access",
        "gradio.capture photo": "capture photo",
        "gradio.select input source": "Choose a camera",
        "gradio.select source": "Camera",
        "gradio.Drop File Here": "Drop files here",
        "gradio.- or -": "or",
        "gradio.Click to Upload": "Click to choose them",
        "gradio.Click to upload or drop files": "Drop files here, or click to choose them",
        "gradio.Uploading {} file...": "Uploading {} file…",
        "gradio.Uploading {} files...": "Uploading {} files…",
        "gradio.common.upload": "Add files",
        "gradio.Remove this file": "Remove this file",
        "gradio.Clear": "Clear",
        "gradio.Download": "Download",
        "gradio.play-pause-replay-button": "Play or pause",
        "gradio.full-screen": "Full screen",
        "gradio.Adjust volume": "Volume",
        "gradio.number input for {}": "{}, as a number",
        "gradio.range slider for {}": "{}",
        "gradio.Reset to default value": "Back to the first value",
        "gradio.Copy": "Copy",
        "gradio.Copied": "Copied",
        "gradio.Code input container": "Code",
        "gradio.Fold line": "Fold",
        "gradio.Unfold line": "Unfold",
        "gradio.processing |": "working |",
        "gradio.queue: {}/{} |": "in the queue: {} of {} |",
        "gradio.In queue: {} of {}": "In the queue: {} of {}",
        "gradio.Loading": "Working",
        "gradio.common.complete": "Done",
        "gradio.Error": "Error",
        "gradio.Use via API or MCP": "Use it through API or MCP",
        "gradio.Gradio footer navigation": "Foot of the page",
    },
    "es": {
        "language.name": "Español",
        "number.decimal": ",",
        "number.thousands": "\N{NO-BREAK SPACE}",
        "number.grouped_from": "10000",
        "number.percent": "{number}\N{NO-BREAK SPACE}%",
        "app.title": "Cuatro redes, una cara",
        "app.subtitle": "Pequeñas redes neuronales entrenadas con FER2013 adivinan la expresión de una cara. "
        "Mira en qué coinciden.",
        "app.language": "Idioma",
        "tab.compare": "Comparar",
        "tab.live": "En vivo",
        "tab.many": "Muchas",
        "tab.models": "Modelos",
        "tab.code": "En tu código",
        "photo.label": "Foto",
        "photo.placeholder": "Suelta aquí una foto, pégala\no haz clic para elegir un archivo",
        "photo.alt": "La foto que has elegido",
        "photo.examples": "O prueba una de estas",
        "photo.whole": "Usar la imagen entera",
        "example.grace_hopper": "Grace Hopper",
        "example.astronaut": "Eileen Collins",
        "hint.title": "Lo que puede explicar una mala respuesta:",
        "hint.animated": "El archivo contiene varias imágenes, como una animación; solo se ha mirado la primera.",
        "hint.no_face": "No se ha encontrado ninguna cara en la imagen.",
        "hint.small": "La cara solo mide {value} píxeles de ancho; las redes miran 48.",
        "hint.dark": "La cara está oscura.",
        "hint.bright": "La cara tiene demasiada luz.",
        "hint.flat": "La cara tiene poco contraste.",
        "hint.blurred": "La cara está borrosa.",
        "hint.noisy": "La imagen tiene ruido o demasiada nitidez artificial.",
        "hint.turned": "La cara está girada hacia un lado.",
        "hint.tilted": "La cabeza está inclinada {value} grados.",
        "hint.cut": "Una parte de la cara queda fuera de la imagen.",
        "hint.doubtful": "No es seguro que esto sea una cara.",
        "photo.with_faces": "La foto, con recuadros en sus caras: {count}",
        "photo.crop": "Lo que ven las redes: 48 × 48 píxeles grises",
        "verdict.empty": "Elige una foto con una cara y aquí aparecerán las respuestas de las redes.",
        "verdict.one": "{model} dice {label}.",
        "verdict.all": "Las {total} dicen {label}.",
        "verdict.most": "{count} de {total} dicen {label}.",
        "verdict.split": "No se ponen de acuerdo.",
        "verdict.others": "{models} dice {label}.",
        "verdict.others_many": "{models} dicen {label}.",
        "verdict.average": "Media de las {total}:",
        "verdict.unsure": "no está claro",
        "verdict.threshold": "Estaría claro si la media llegara al {share} y coincidieran {count} de {total}, más que "
        "en cualquier otra etiqueta.",
        "verdict.threshold_one": "Estaría claro si llegara al {share}.",
        "verdict.and": "y",
        "verdict.disclaimer": "Es una conjetura sobre el aspecto de la cara, no sobre lo que siente la persona.",
        "faces.none": "No se ha encontrado ninguna cara en la imagen. Prueba con una en la que la cara sea más grande "
        "y mire a la cámara, o usa la imagen entera tal como está.",
        "faces.label": "Caras en la foto, la mayor primero",
        "faces.number": "Cara {number}",
        "faces.which": "Se trata de la cara {number} de {count}.",
        "faces.turned": "Se ha girado la foto {degrees} grados para que la cara quede derecha.",
        "faces.whole": "Se ha tomado la imagen entera como cara.",
        "networks.label": "Redes a la vista",
        "networks.none": "No hay ninguna red elegida. Marca al menos una en «Redes a la vista».",
        "tag.label": "Cómo se entrenaron",
        "tag.ferplus": "lo que vieron diez personas",
        "tag.tuned": "las etiquetas del propio conjunto",
        "tag.report": "como en el informe original de 2022",
        "table.caption": "Todas las probabilidades en una imagen",
        "table.label": "etiqueta",
        "table.average": "media",
        "why.button": "¿Por qué?",
        "why.label": "Qué habla a favor de",
        "why.own": "la respuesta de cada red",
        "why.text": "Qué habla en la cara a favor de esa etiqueta para cada red, según Grad-CAM; lo que habla en "
        "contra no se ve. Todas las imágenes están en la misma escala. Dice dónde mira una red, no que mire bien.",
        "why.little": "nada",
        "why.much": "lo máximo entre las redes",
        "why.picture": "Para {model}, lo que más habla a favor de {label} está {where}",
        "why.strength": "hasta el {share} de la escala",
        "why.nothing": "nada en la cara habla a su favor",
        "why.top_left": "arriba a la izquierda",
        "why.top_middle": "arriba en el centro",
        "why.top_right": "arriba a la derecha",
        "why.middle_left": "a la izquierda",
        "why.middle_middle": "en el centro",
        "why.middle_right": "a la derecha",
        "why.bottom_left": "abajo a la izquierda",
        "why.bottom_middle": "abajo en el centro",
        "why.bottom_right": "abajo a la derecha",
        "save.label": "Guardar",
        "save.json": "JSON",
        "save.csv": "CSV",
        "save.png": "Imagen",
        "save.face": "con la cara en la imagen",
        "share.label": "Enlace y código con estos ajustes",
        "share.link": "Enlace; la foto no va en él",
        "share.python": "Python",
        "share.shell": "Terminal",
        "card.accuracy.fer2013": "acierta en el {accuracy} de {n} caras de prueba",
        "card.accuracy.people": "coincide con la mayoría de la gente en el {accuracy} de {n} caras",
        "card.latency": "{latency} ms",
        "card.size": "{size} MB",
        "card.tag": "entrenamiento: {tag}",
        "card.agrees": "= coincide",
        "card.differs": "≠ difiere",
        "card.probabilities": "Probabilidades de {model}",
        "live.hint": "Enciende la cámara y las respuestas de las redes aparecerán sobre su imagen.",
        "live.privacy": "Mientras está encendida, las imágenes van a la máquina que sirve esta página. Se quedan en su "
        "memoria y se olvidan con la respuesta. Se detiene al cabo de un minuto; con un clic sigue.",
        "live.start": "Encender la cámara",
        "live.stop": "Apagar la cámara",
        "live.go_on": "Seguir",
        "live.models": "Redes",
        "live.all": "Las cuatro",
        "live.camera": "Cámara",
        "live.front": "Delantera",
        "live.back": "Trasera",
        "live.video": "La imagen de tu cámara",
        "live.starting": "La cámara se está encendiendo. Si el navegador pregunta, permite que esta página la use.",
        "live.ended": "La cámara se ha apagado o desconectado.",
        "live.away": "La cámara se ha apagado mientras no estabas.",
        "live.over": "Detenida tras {seconds} segundos, para que a los demás les llegue el turno.",
        "live.full": "Ahora mismo hay demasiadas cámaras encendidas. La tuya empezará sola en cuanto haya sitio.",
        "live.pause": "Un momento: ahora otros pueden pasar primero. Seguirá por sí sola.",
        "live.unreadable": "La imagen de la cámara no se puede leer.",
        "live.no_face": "No hay ninguna cara en la imagen. Acércate y mira a la cámara.",
        "live.fps": "{fps} imágenes por segundo",
        "live.empty": "Aquí aparecerán las respuestas.",
        "live.timeline": "Media de las redes, los últimos {seconds} segundos",
        "live.timeline_one": "{model}, los últimos {seconds} segundos",
        "many.label": "Fotos, un zip con fotos o un vídeo",
        "many.start": "Empezar",
        "many.cancel": "Cancelar",
        "many.rate": "Imágenes analizadas por segundo de vídeo",
        "many.privacy": "Tus archivos están en la máquina que sirve esta página mientras se analizan y se borran en "
        "unos minutos, igual que el vídeo con recuadros. Las tablas y las líneas de tiempo forman parte de esta página "
        "y no se guardan allí.",
        "many.empty": "Elige fotos, un zip con fotos o un vídeo y pulsa Empezar. Con fotos, cada cara tendrá una fila "
        "con las respuestas de las redes; con un vídeo, verás cómo cambian las respuestas para la cara "
        "principal.",
        "many.nothing": "Todavía no hay nada que analizar. Elige antes fotos, un zip con fotos o un vídeo.",
        "many.video_alone": "Los vídeos se analizan de uno en uno. Elige solo el vídeo, o fotos sin él.",
        "many.waiting": "Esperando turno: los trabajos largos van de uno en uno para que el resto de la página siga "
        "siendo ágil.",
        "many.progress": "Progreso",
        "many.done": "{done} de {total} archivos",
        "many.left_seconds": "faltan unos {count} s",
        "many.left_minutes": "faltan unos {count} min",
        "many.cancelled": "Cancelado.",
        "many.cut_short": "Cancelado. Abajo está lo que se había hecho hasta entonces.",
        "many.failed": "Algo ha fallado aquí, y no por culpa de tus archivos. Inténtalo de nuevo, por favor.",
        "many.caption": "Cada cara y lo que las redes dicen de ella",
        "many.column.file": "Archivo",
        "many.column.face": "Cara",
        "many.column.box": "Recuadro, en píxeles",
        "many.column.score": "Detector",
        "many.column.together": "En conjunto",
        "many.agreement": "coinciden {count} de {total}",
        "many.unsure": "no está claro",
        "many.files": "Archivos",
        "many.faces": "Caras",
        "many.failures": "Sin respuesta",
        "many.shown": "Se muestran las primeras {shown} filas de {total}; el CSV las tiene todas.",
        "many.csv": "Descargar como CSV",
        "many.watched": "{done} de {total} del vídeo",
        "many.watched_so_far": "{done} del vídeo, que no dice cuánto dura",
        "many.looks": "Imágenes analizadas",
        "many.in_sight": "Cara principal a la vista",
        "many.mean": "de media",
        "many.timeline": "La cara principal a lo largo del tiempo: media de las redes, cada línea de 0 a 100 %",
        "many.timeline_gap": "Donde la cara no estaba a la vista no se dibuja nada. Los números son medias de todo el "
        "vídeo.",
        "many.video": "El vídeo con recuadros: las imágenes analizadas, sin sonido",
        "many.no_face_anywhere": "No se ha encontrado ninguna cara en este vídeo. Prueba con uno en el que la cara sea "
        "más grande y mire a la cámara.",
        "error.no_face": "No se ha encontrado ninguna cara.",
        "error.no_face_in_first": "No se ha encontrado ninguna cara en la primera imagen del archivo; las demás no "
        "se han mirado.",
        "error.too_many_files": "Son más de {files} archivos. Elige menos de una vez, por favor.",
        "error.zip_missing": "El zip ya no está. Elígelo de nuevo, por favor.",
        "error.zip_damaged": "El zip está dañado o incompleto. Guárdalo otra vez, por favor.",
        "error.zip_empty": "No hay ningún archivo en este zip.",
        "error.zip_encrypted": "El zip está protegido con contraseña. Guárdalo sin ella, por favor.",
        "error.zip_too_many": "El zip tiene más de {entries} archivos. Divídelo en otros más pequeños, por favor.",
        "error.zip_too_large": "Descomprimido, el zip ocupa mucho más de lo que ocupan unas fotos, así que no se ha "
        "abierto. Guarda las fotos en uno nuevo, por favor.",
        "error.zip_entry_too_large": "El archivo es demasiado grande para ser una foto.",
        "error.video_missing": "El vídeo ya no está. Elígelo de nuevo, por favor.",
        "error.video_unreadable": "El vídeo está dañado o es de un tipo que no se puede leer. Elige un MP4 o MOV, por "
        "favor.",
        "error.video_without_pictures": "En este archivo no hay imágenes. Elige un vídeo, por favor.",
        "error.video_too_large": "Las imágenes de este vídeo tienen más de {frame_megapixels} megapíxeles. Guárdalo "
        "más pequeño, en 4K o menos, por favor.",
        "error.video_too_long": "Este vídeo dura más de {minutes} minutos. Recórtalo, por favor.",
        "error.video_cut": "El vídeo está dañado o incompleto. Abajo está lo que se ha podido leer.",
        "error.missing": "La foto y sus respuestas ya están olvidadas. Elígela de nuevo, por favor.",
        "error.empty": "El archivo está vacío. Elige otro, por favor.",
        "error.unreadable": "La imagen está dañada o incompleta. Elige otra, por favor.",
        "error.not_an_image": "El archivo no es una imagen que se pueda leer. Elige un JPEG o PNG, por favor.",
        "error.format": "Aquí no se leen archivos de este tipo: {format}. Guárdalo como JPEG o PNG, por favor.",
        "error.heic": "Este servidor no puede leer HEIC, el formato de los iPhone. Guarda la foto como JPEG, por "
        "favor: en un iPhone, en Ajustes, Cámara, Formatos, elige «El más compatible».",
        "error.video": "Esto es un vídeo. Elígelo solo, en la pestaña Muchas, o elige una foto.",
        "error.too_large": "La imagen tiene más de {megapixels} megapíxeles. Redúcela, por favor.",
        "error.file_too_large": "El archivo ocupa más de {megabytes} MB. Elige uno más pequeño, por favor.",
        "error.files_too_large": "Estos archivos ocupan juntos más de {megabytes} MB. Elige menos, por favor.",
        "error.busy": "Demasiadas personas usan esta página ahora mismo. Inténtalo de nuevo dentro de un momento.",
        "error.full": "No queda espacio para archivos en el servidor. Inténtalo de nuevo dentro de unos minutos.",
        "error.offline": "Se ha perdido la conexión con el servidor. Compruébala e inténtalo de nuevo.",
        "error.unexpected": "Algo ha fallado aquí, y no es culpa tuya. Inténtalo de nuevo, por favor.",
        "error.camera_denied": "El navegador no deja que esta página use la cámara. Permítelo junto a la dirección de "
        "la página o elige una foto.",
        "error.camera_missing": "No se ha encontrado ninguna cámara. Conecta una o elige una foto.",
        "error.camera_busy": "La cámara no da imagen; quizá la esté usando otro programa. Ciérralo o elige una foto.",
        "error.camera_insecure": "Los navegadores solo prestan la cámara a páginas seguras (https) y a las del propio "
        "equipo. Elige una foto.",
        "error.clipboard_denied": "El navegador no deja que esta página lea el portapapeles. Pulsa Ctrl+V (en un Mac, "
        "⌘V) o elige una foto.",
        "error.clipboard_empty": "No hay ninguna imagen en el portapapeles. Copia una primero.",
        "models.title": "¿Con qué frecuencia aciertan?",
        "models.lead.ferplus_test": "En {n} caras que no eligieron ni pesos ni época, el mejor de estos modelos, "
        "{model}, coincide con la mayoría de diez personas el {accuracy} de las veces. Responder al azar coincidiría "
        "el {chance}, y decir siempre «{label}», el {majority}.",
        "models.lead.official_test_without_copies": "Según las etiquetas del propio conjunto, el mejor es {model}: en "
        "{n} caras así, sin copias de imágenes de entrenamiento, acierta el {accuracy} de las veces; al azar, el "
        "{chance}, y diciendo siempre «{label}», el {majority}.",
        "models.unmeasured": "Aún no se ha medido.",
        "models.points": "en puntos",
        "models.images": "{n} imágenes",
        "models.interval": "{low} a {high}",
        "models.scale": "del {low} al {high}",
        "tag.notebook": "como en el cuaderno del autor del informe, que difiere de las tablas impresas",
        "models.report.title": "Junto al informe",
        "models.report.text": "Un trabajo de curso de noviembre de 2022 entrenó estas cuatro redes una sola vez. Aquí "
        "se entrenan de nuevo y se miden con las mismas imágenes de prueba. Los puntos rellenos son nuestras "
        "ejecuciones, cada una con otra semilla; el rombo hueco es la cifra del informe. La revisión posterior es del "
        "mismo autor, con redes más profundas.",
        "models.report.caption": "Porcentaje de las imágenes de prueba del informe en que el modelo acierta, media ± "
        "desviación típica. Entre paréntesis, lo del informe. Un puesto como 1–4 es el que las ejecuciones dejan "
        "abierto: tres contra tres quedan separadas por azar en uno de cada diez casos, y entre cuatro modelos hacen "
        "falta cinco de cada uno para distinguir dos.",
        "models.report.network": "red",
        "models.report.test": "este proyecto",
        "models.report.published": "el informe",
        "models.report.difference": "diferencia",
        "models.report.runs": "ejecuciones",
        "models.report.rank": "puesto",
        "models.report.gap": "brecha de sobreajuste",
        "models.report.revision": "revisión posterior",
        "models.report.seed": "{count} ejecución",
        "models.report.seeds": "{count} ejecuciones",
        "models.statistics.text": "Que las dos con normalización por lotes queden últimas se debe a unas "
        "estadísticas atrasadas: tras diez épocas, sus estadísticas móviles van por detrás de los pesos. Tomadas de "
        "nuevo de {images} imágenes de entrenamiento sin sus etiquetas, y sin cambiar ningún peso, los aciertos en "
        "PrivateTest suben: {changes}. El orden allí era {before}; pasa a ser {after}, con diferencias que no bastan "
        "para decir cuál es la primera. Semillas: {seeds}.",
        "models.statistics.change": "{model}, del {before} al {after}",
        "models.sets.title": "En cinco conjuntos de prueba",
        "models.sets.text": "Los mismos modelos ante cinco conjuntos de caras. Los tres primeros no eligieron ni pesos "
        "ni época: PrivateTest sin sus copias de imágenes de entrenamiento, PrivateTest entero y sus caras en las que "
        "coincide la mayoría de diez personas, con lo que ellas vieron como etiqueta (FER+). PublicTest eligió épocas "
        "y temperaturas, y es la mitad del conjunto del informe: esos dos favorecen.",
        "models.sets.caption": "Porcentaje de aciertos con su intervalo del 95 %. Cada línea va",
        "models.sets.report_test": "Conjunto de prueba del informe",
        "models.sets.official_validation": "PublicTest",
        "models.sets.ferplus_test": "Lo que vio la mayoría",
        "models.sets.official_test": "PrivateTest",
        "models.sets.official_test_without_copies": "PrivateTest, sin copias",
        "models.peers.title": "Junto a otros",
        "models.peers.text": "Paquetes que la gente instala, cada uno con los pesos que trae y con su propia llamada, "
        "ante las mismas caras de PrivateTest y sin detector. Los entrenados con FER2013 no dicen con qué parte: "
        "quizá ya conozcan estas caras.",
        "models.peers.caption": "Porcentaje de aciertos, medido en {hardware}. Según las personas: la emoción que "
        "nombran más de la mitad de los votos de FER+. Sensibilidad media: de las siete expresiones.",
        "models.peers.package": "paquete o modelo",
        "models.peers.official_test": "según la etiqueta de FER2013",
        "models.peers.ferplus_test": "según las personas",
        "models.peers.recall": "sensibilidad media, según las personas",
        "models.peers.others": "paquetes de otros",
        "models.peers.ours": "este proyecto",
        "models.votes.title": "Lo que vieron las personas en las mismas caras",
        "models.votes.text": "Cada cara de FER2013 se mostró de nuevo a diez personas (FER+). La tabla dice en qué "
        "medida coinciden con sus etiquetas, al lado de lo que coinciden las redes. Donde las personas no están de "
        "acuerdo con una etiqueta, una red que ve lo mismo que ellas cuenta como equivocada.",
        "models.votes.caption": "{n} imágenes de PublicTest; otras {unknown} no tienen votos. De las redes, la parte "
        "de las imágenes de cada etiqueta que reconocen ahí.",
        "models.votes.label": "etiqueta de FER2013",
        "models.votes.images": "imágenes",
        "models.votes.people": "votos para ella",
        "models.votes.agreed": "imágenes en que va primera",
        "models.votes.other": "la más votada de las otras",
        "models.votes.contempt": "desprecio",
        "models.votes.unknown": "no se sabe",
        "models.votes.no_face": "ninguna cara",
        "models.choose.title": "Una red, de cerca",
        "models.choose.label": "Red",
        "models.choose.set": "Conjunto de prueba",
        "models.curves.accuracy": "Aciertos por época",
        "models.curves.loss": "Pérdida por época",
        "models.curves.epoch": "época",
        "models.curves.train": "entrenamiento",
        "models.curves.taught": "entrenamiento, también con maestras",
        "models.curves.validation": "validación",
        "models.curves.larger": "ampliada tras la época {epoch}",
        "models.curves.alt": "{split}, de {first} a {last} en {epochs} épocas",
        "models.confusion.title": "Qué se toma por qué",
        "models.confusion.caption": "Matriz de confusión: {split}, {n} imágenes. Cada fila es una "
        "etiqueta: qué porcentaje de sus imágenes se tomó por cada expresión, y cuántas son. La diagonal son los "
        "aciertos.",
        "models.confusion.corner": "etiqueta ↓ respuesta →",
        "models.recall.title": "Qué expresiones reconoce",
        "models.recall.caption": "Exhaustividad: {split}. Porcentaje reconocido de las imágenes de cada "
        "etiqueta. El F1 macro, en el que todas pesan lo mismo, es del {macro_f1}.",
        "models.recall.label": "etiqueta",
        "models.recall.share": "reconocidas",
        "models.recall.images": "imágenes",
        "models.reliability.title": "¿Acierta tanto como asegura?",
        "models.reliability.honest": "acierta lo que asegura",
        "models.reliability.before": "sin temperatura, error del {error}",
        "models.reliability.after": "con temperatura, error del {error}",
        "models.reliability.x": "probabilidad de la respuesta",
        "models.reliability.y": "porcentaje de aciertos",
        "models.robustness.title": "Qué soporta",
        "models.robustness.caption": "PrivateTest con las caras alteradas. Cada celda dice cuánto, el porcentaje de "
        "aciertos y su diferencia en puntos con {accuracy}, el de las caras tal como están.",
        "models.robustness.change": "alteración",
        "models.robustness.level": "nivel {number}",
        "models.change.brightness": "brillo",
        "models.change.blur": "desenfoque",
        "models.change.noise": "ruido",
        "models.change.shift": "desplazamiento",
        "models.change.rotation": "giro",
        "models.change.jpeg": "compresión JPEG",
        "models.unit.blur": "desviación típica, píxeles",
        "models.unit.noise": "del rango",
        "models.unit.shift": "del ancho",
        "models.unit.jpeg": "calidad",
        "models.level.brightness": "× {level}",
        "models.level.blur": "{level}",
        "models.level.noise": "{percent}",
        "models.level.shift": "{percent}",
        "models.level.rotation": "{level}°",
        "models.level.jpeg": "{level}",
        "models.provenance.title": "Para reproducirlo",
        "models.provenance.command": "orden",
        "models.provenance.seed": "semilla",
        "models.provenance.protocol": "partición",
        "models.provenance.temperature": "temperatura",
        "models.provenance.smaller": "primero más pequeña, con",
        "models.provenance.trained": "entrenada con",
        "models.provenance.measured": "medida con",
        "models.provenance.download": "Todas sus cifras, como JSON",
        "models.cost.title": "Coste frente a aciertos",
        "models.cost.text": "Todas son pequeñas: lo que cuenta en un portátil o un móvil es cuánto tardan con una "
        "cara.",
        "models.cost.chart": "Tiempo por cara y porcentaje de aciertos",
        "models.cost.caption": "Medido en {hardware}, hilos: {threads}; las redes se turnaron, así que compáralas "
        "entre sí. Una operación es una multiplicación y una suma.",
        "models.cores": "{count} núcleos",
        "models.cost.accuracy.official_test_without_copies": "aciertos en PrivateTest, sin copias",
        "models.cost.accuracy.ferplus_test": "coincide con la mayoría",
        "models.cost.latency": "una cara",
        "models.cost.latency_axis": "tiempo por cara, ms",
        "models.cost.throughput": "caras por segundo, en lotes",
        "models.cost.parameters": "pesos",
        "models.cost.file": "archivo",
        "models.cost.multiply_adds": "operaciones",
        "models.meaning.title": "Qué significan las cifras",
        "models.meaning.accuracy": "El porcentaje de aciertos es la parte de las caras en que la primera respuesta de "
        "la red es la etiqueta. Con siete expresiones para elegir, un 50 % queda lejos del azar y lejos de ser fiable.",
        "models.meaning.interval": "El intervalo del 95 % dice hasta dónde llega el azar al elegir las imágenes de "
        "prueba. Dos redes cuyos intervalos se solapan mucho pueden ser igual de buenas.",
        "models.meaning.gap": "La brecha de sobreajuste son los aciertos en entrenamiento menos los de validación: lo "
        "que la red aprendió de memoria y no le sirve con caras nuevas. Los de entrenamiento se cuentan a lo largo de "
        "la última época; las redes tuned aprenden de caras alteradas al azar, más difíciles, así que su brecha parece "
        "menor de lo que es.",
        "models.meaning.spread": "± es la desviación típica entre ejecuciones que solo difieren en la semilla: dice "
        "cuánto de una diferencia es suerte.",
        "models.meaning.calibration": "Una red que dice 70 % debería acertar siete veces de cada diez. El error de "
        "calibración (ECE) es la distancia media entre lo segura que está y lo que acierta. La temperatura, un número "
        "por red, la hace más o menos segura de sí misma; no cambia ninguna respuesta.",
        "models.meaning.labels": "Nadie conoce la expresión verdadera; solo hay etiquetas que pusieron unas personas. "
        "En el {agreed} de las imágenes de PublicTest, la etiqueta de FER2013 es la que más eligieron diez "
        "anotadores posteriores (FER+). Una red que «se equivoca» puede estar de acuerdo con ellos.",
        "models.meaning.copies": "El {copies} de las imágenes de PrivateTest son copias exactas de imágenes de "
        "entrenamiento, lo que favorece a toda red entrenada con ellas.",
        "models.protocol.title": "Cómo se eligieron y se leyeron",
        "models.protocol.report": "report y notebook: un número fijo de épocas, y se toma la última. Ninguna imagen "
        "eligió nada. Las imágenes de validación del informe forman parte de su conjunto de prueba; solo sirven para "
        "las curvas.",
        "models.protocol.tuned": "tuned: la época, y qué recetas se abandonaron, se eligieron con PublicTest, que es "
        "la mitad del conjunto de prueba del informe, así que ese conjunto las favorece. Algunas aprendieron también "
        "de las respuestas de otros modelos, que sus fichas nombran.",
        "models.protocol.ferplus": "ferplus: aprendieron cómo se reparten los votos de diez personas entre las "
        "expresiones. La época, y cuánto se favorecen las expresiones raras, se eligieron con PublicTest según lo que "
        "vio allí la mayoría. Las etiquetas de FER2013 cuentan en su contra donde la mayoría dice otra cosa.",
        "models.protocol.temperature": "Las temperaturas se ajustaron con PublicTest, según las etiquetas que el "
        "modelo aprendió.",
        "models.protocol.test": "Con PrivateTest no se eligieron ni pesos ni épocas ni temperaturas. Pero las recetas "
        "partieron de dos ensayos cuyo acierto allí se conocía, las posteriores se escribieron cuando ya se conocían "
        "las cifras de redes anteriores, y se leyó de nuevo con cada medida añadida. Cada cifra de una red la escribió "
        "el programa que la midió, con su commit y su máquina; ninguna se tecleó.",
        "models.limits.title": "Qué no pueden hacer",
        "models.limits.minds": "No leen la mente. Repiten qué palabra daría la gente a la imagen de una cara y no "
        "saben nada de lo que siente la persona.",
        "models.limits.always": "Siempre responden con una de siete palabras, también ante un cuadro, una máscara o un "
        "gato.",
        "models.limits.frontal": "La cara debe mirar más o menos a la cámara y medir más de 16 píxeles.",
        "models.limits.groups": "FER2013 no dice de quién son sus caras. Con él no se puede medir cómo se reparten los "
        "errores por edad, sexo o color de piel, y no se repartirán por igual.",
        "models.uses.title": "Para qué no deben usarse",
        "models.uses.decisions": "No para decidir sobre personas, como en contratación, notas, seguros, policía o "
        "medicina.",
        "models.uses.consent": "No con personas que no hayan dado su acuerdo, ni en el trabajo ni en la escuela.",
        "models.uses.law": "En la Unión Europea está prohibido el reconocimiento de emociones en el trabajo y en la "
        "enseñanza, y en otros ámbitos hay que avisar a quienes se someten a él (Reglamento de IA, artículos 5 y 50).",
        "models.sources": "Fuentes: FER2013, Goodfellow et al. 2013, arXiv:1307.0414. FER+, Barsoum et al. 2016, "
        "arXiv:1608.01041; el acuerdo y las copias los contó este proyecto con los archivos de ambos. Error de "
        "calibración, Guo et al. 2017, arXiv:1706.04599.",
        "models.nav": "En esta página",
        "code.title": "Úsalas en tus propios programas",
        "code.text": "Una prueba ejecuta cada fragmento tal como está aquí. Cópialo con el botón de su esquina.",
        "code.load.title": "Una cara ya recortada",
        "code.load.text": "Con el paquete de Python de este proyecto, que trae los pesos. face.png es una cara que "
        "llena la imagen, como las de FER2013.",
        "code.photo.title": "Una foto entera",
        "code.photo.text": "Encuentra la cara, la recorta como la esperan las redes y pregunta a todas.",
        "code.from_pretrained.title": "Solo con transformers",
        "code.from_pretrained.text": "from_pretrained y pipeline funcionan sin este paquete: la carpeta de cada red "
        "contiene también su código, tres archivos cortos. trust_remote_code los ejecuta, así que léelos antes.",
        "code.hub.title": "Desde el Hub de Hugging Face",
        "code.hub.text": "Con el espacio de nombres de quien haya subido las redes. El paquete fija la revisión y "
        "comprueba lo que descarga; sin conexión se usan los pesos incluidos.",
        "code.client.title": "Esta página, como API",
        "code.client.text": "gradio_client pregunta a la página que estás viendo. La foto se envía a ella y se borra "
        "en unos minutos.",
        "code.mcp.title": "Esta página, como herramientas de un agente",
        "code.mcp.text": "Para la configuración de un cliente MCP. Avisa a las personas cuyas caras vaya a mirar un "
        "agente.",
        "code.terminal.title": "En la línea de órdenes",
        "code.terminal.text": "Como tabla, y como JSON para otros programas; en la carpeta del proyecto, después de "
        "make install.",
        "notice.short": "Esto es reconocimiento de emociones. Repite etiquetas que unas personas pusieron a caras, se "
        "equivoca {wrong} y no lee la mente. No lo uses en el trabajo, en la escuela ni con quien no haya dado su "
        "acuerdo.",
        "notice.more": "Leer más",
        "notice.wrong": "unas {low} de cada 10 veces",
        "notice.wrong_range": "entre {low} y {high} de cada 10 veces",
        "notice.text": "Las redes aprendieron de FER2013: caras encontradas buscando en la web, cada una con una "
        "etiqueta que alguien le puso. Adivinan cuál de siete etiquetas le pondría la gente a la tuya; lo que siente "
        "la persona no pueden saberlo. No se ha medido cómo se reparten los errores según la edad, el sexo o el color "
        "de piel, y no se repartirán por igual. Si enseñas a esta página la cara de otra persona, avísala antes. En la "
        "Unión Europea el reconocimiento de emociones está prohibido en el trabajo y en la enseñanza. Tu foto sirve "
        "para calcular la respuesta en la máquina que ofrece esta página, está allí en una carpeta temporal y se borra "
        "en unos minutos; no se registra ni se envía a ningún otro sitio.",
        "label.angry": "enfado",
        "label.disgust": "asco",
        "label.fear": "miedo",
        "label.happy": "alegría",
        "label.neutral": "neutral",
        "label.sad": "tristeza",
        "label.surprise": "sorpresa",
        "gradio.More tabs": "Más pestañas",
        "gradio.Upload file": "Subir un archivo",
        "gradio.Capture from camera": "Usar la cámara",
        "gradio.Paste from clipboard": "Pegar del portapapeles",
        "gradio.Drop an image file here to upload": "Suelta aquí una foto o elige un archivo",
        "gradio.File upload": "Elegir un archivo",
        "gradio.Remove Image": "Quitar la foto",
        "gradio.Empty value": "Aún no hay foto",
        "gradio.Click to Access Webcam": "Encender la cámara",
        "gradio.grant webcam access": "Encender la cámara",
        "gradio.capture photo": "Hacer la foto",
        "gradio.select input source": "Elegir una cámara",
        "gradio.select source": "Cámara",
        "gradio.Drop File Here": "Suelta aquí los archivos",
        "gradio.- or -": "o",
        "gradio.Click to Upload": "Haz clic para elegirlos",
        "gradio.Click to upload or drop files": "Suelta aquí los archivos o haz clic para elegirlos",
        "gradio.Uploading {} file...": "Subiendo {} archivo…",
        "gradio.Uploading {} files...": "Subiendo {} archivos…",
        "gradio.common.upload": "Añadir archivos",
        "gradio.Remove this file": "Quitar este archivo",
        "gradio.Clear": "Quitar todo",
        "gradio.Download": "Descargar",
        "gradio.play-pause-replay-button": "Reproducir o pausar",
        "gradio.full-screen": "Pantalla completa",
        "gradio.Adjust volume": "Volumen",
        "gradio.number input for {}": "{}, como número",
        "gradio.range slider for {}": "{}",
        "gradio.Reset to default value": "Volver al valor inicial",
        "gradio.Copy": "Copiar",
        "gradio.Copied": "Copiado",
        "gradio.Code input container": "Código",
        "gradio.Fold line": "Plegar",
        "gradio.Unfold line": "Desplegar",
        "gradio.processing |": "trabajando |",
        "gradio.queue: {}/{} |": "en la cola: {} de {} |",
        "gradio.In queue: {} of {}": "En la cola: {} de {}",
        "gradio.Loading": "Trabajando",
        "gradio.common.complete": "Listo",
        "gradio.Error": "Error",
        "gradio.Use via API or MCP": "Usar a través de API o MCP",
        "gradio.Gradio footer navigation": "Pie de página",
    },
}

# A language of an `Accept-Language` header, and how much it is wanted: `es-mx` or `es;q=0.5`.
ACCEPTED = re.compile(r"(?:^|,)\s*([a-z]+)(?:-[\w-]+)?\s*(?:;\s*q=([01](?:\.\d+)?))?\s*(?=,|$)")


def translate(language: str, key: str, **values: object) -> str:
    """The words of `key` with `values` filled in.

    Raises:
        KeyError: There is no such language, key or value.
    """
    return LOCALES[language][key].format(**values)


def translate_tag(tag: str, language: str) -> str:
    """The words for a way of training; a new one is called by its tag."""
    key = f"tag.{tag}"
    return translate(language, key) if key in LOCALES[language] else tag


def choose_language(accept_language: str | None) -> str:
    """The language of an HTTP `Accept-Language` header that the page speaks and its sender likes best, else English."""
    accepted = ACCEPTED.findall((accept_language or "").lower())
    spoken = [(float(weight or 1), language) for language, weight in accepted if language in LOCALES]
    weight, language = max(spoken, key=lambda pair: pair[0], default=(0.0, DEFAULT_LANGUAGE))
    return language if weight else DEFAULT_LANGUAGE


def has_decimal_comma(language: str) -> bool:
    """Whether its numbers are written as in `0,5`."""
    return translate(language, "number.decimal") == ","


def format_decimal(language: str, number: float, digits: int | None = 1) -> str:
    """`4.71` -> `4.7`, with the language's own decimal sign; with None, as many digits as it takes."""
    text = f"{number:g}" if digits is None else f"{number:.{digits}f}"
    return text.replace(".", translate(language, "number.decimal"))


def format_percent(language: str, share: float, digits: int = 1) -> str:
    """`0.55` -> `55.0 %`, as the language writes it."""
    return translate(language, "number.percent", number=format_decimal(language, 100 * share, digits))


def format_count(language: str, count: int) -> str:
    """`7178` -> `7,178`, in Spanish `7178` and `28 709`."""
    if count < int(translate(language, "number.grouped_from")):
        return str(count)
    return f"{count:,}".replace(",", translate(language, "number.thousands"))


def format_hardware(language: str, hardware: str) -> str:
    """`2 cores, AMD EPYC`, as measurements name a machine, with the language's word for cores."""
    return re.sub(r"^(\d+) cores", lambda found: translate(language, "models.cores", count=found[1]), hardware)
