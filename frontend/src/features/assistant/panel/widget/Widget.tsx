"use client";
/**
 * Widgets: the components that a server may compose (`chatkit/widgets.py`), as far as lists
 * and forms ask for them. Charts and what a later version adds say that they cannot be shown here.
 */
import type { ReactNode } from "react";
import { Form } from "@/components/Form";
import type { WidgetNode } from "../../bridge/protocol";
import { useTexts } from "../../useTexts";
import { Markdown } from "../Markdown";
import { safeHref } from "../Sources";
import { actionOf, withForm, type OnAction } from "./actions";
import { Badge } from "./Badge";
import { Button } from "./Button";
import { Card } from "./Card";
import { Checkbox } from "./Checkbox";
import { Field } from "./Field";
import { ListItem, ListView } from "./ListView";
import { NamedIcon } from "./NamedIcon";
import { childrenOf, text, type NodeProps } from "./node";
import { boxStyle } from "./styles";
import { Text, Title } from "./Text";

interface Props {
  widget: WidgetNode;
  disabled: boolean;
  onAction: OnAction;
}

export function Widget({ widget, disabled, onAction }: Props) {
  return (
    <div data-widget={widget.type} className="text-sm">
      <Node node={widget} disabled={disabled} onAction={onAction} />
    </div>
  );
}

function Children({ node, ...rest }: NodeProps) {
  return childrenOf(node).map((child, index) => (
    <Node key={child.key ?? child.id ?? index} node={child} {...rest} />
  ));
}

/** One node by its type. Containers are given what is in them, and so need not know this module. */
function Node(props: NodeProps): ReactNode {
  const { node, onAction } = props;
  const { t } = useTexts();
  const children = <Children {...props} />;
  switch (node.type) {
    case "Card":
      return <Card {...props}>{children}</Card>;
    case "Basic":
      return <div className="flex flex-col gap-2">{children}</div>;
    case "ListView":
      return <ListView node={node} renderRow={(row) => <Node {...props} node={row} />} />;
    case "ListViewItem":
      return <ListItem {...props}>{children}</ListItem>;
    case "Row":
    case "Col":
    case "Box":
      return <div style={boxStyle(node)}>{children}</div>;
    case "Form": {
      const action = actionOf(node.onSubmitAction);
      return (
        <Form style={boxStyle(node)} onSend={(form) => action && onAction(withForm(action, form))}>
          {children}
        </Form>
      );
    }
    case "Transition":
      return children;
    case "Title":
      return <Title node={node} />;
    case "Text":
    case "Caption":
    case "Label":
      return <Text node={node} />;
    case "Markdown":
      return <Markdown text={text(node.value)} />;
    case "Badge":
      return <Badge node={node} />;
    case "Icon":
      return <NamedIcon name={text(node.name)} />;
    case "Divider":
      return <hr className="my-1 border-line" />;
    case "Spacer":
      return <span className="flex-1" />;
    case "Image": {
      const source = safeHref(text(node.src));
      return source ? (
        // eslint-disable-next-line @next/next/no-img-element -- any size, from the server's choice
        <img src={source} alt={text(node.alt)} className="max-h-64 max-w-full rounded-xl" />
      ) : null;
    }
    case "Button":
      return <Button {...props} />;
    case "Checkbox":
      return <Checkbox {...props} />;
    case "Input":
    case "Textarea":
    case "DatePicker":
    case "Select":
    case "RadioGroup":
      return <Field {...props} />;
    default:
      return <p className="text-xs text-muted">{t("chat.unknown_widget")}</p>;
  }
}
